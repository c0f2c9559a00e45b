import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const SIDE = 8
const CLASSES = 10

/** Numbers in 0..1 that are the same in every run (a linear congruence). */
export function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** An IDX file of unsigned bytes. */
export function idx(shape: readonly number[], data: Uint8Array, magic = 0x0800 + shape.length): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length)
  header.writeUInt32BE(magic)
  for (const [axis, size] of shape.entries()) header.writeUInt32BE(size, 4 + 4 * axis)
  return Buffer.concat([header, data])
}

/**
 * Writes a data set in MNIST's four files: 8×8 images of noise, where the class is the bright row (0 to 7) or
 * the bright column (8 and 9 for the first two).
 */
export function writeTinyMnist(dir: string, { train = 400, test = 100 } = {}): string {
  mkdirSync(dir, { recursive: true })
  for (const [name, count, seed] of [
    ['train', train, 1],
    ['t10k', test, 2],
  ] as const) {
    const next = random(seed)
    const labels = Uint8Array.from({ length: count }, () => Math.floor(next() * CLASSES))
    const images = new Uint8Array(count * SIDE * SIDE)
    for (const [i, label] of labels.entries()) {
      for (let pixel = 0; pixel < SIDE * SIDE; pixel++) {
        const bright = label < SIDE ? Math.floor(pixel / SIDE) === label : pixel % SIDE === label - SIDE
        images[i * SIDE * SIDE + pixel] = (bright ? 150 : 0) + next() * 100
      }
    }
    writeFileSync(join(dir, `${name}-images-idx3-ubyte`), idx([count, SIDE, SIDE], images))
    writeFileSync(join(dir, `${name}-labels-idx1-ubyte`), idx([count], labels))
  }
  return dir
}

/** A recipe in plain data that trains, prunes and retrains on it in well under a second. */
export function tinyRecipe(options: { denseEpochs?: number; rounds?: number; epochs?: number } = {}) {
  const { denseEpochs = 3, rounds = 2, epochs = 2 } = options
  const layer = (name: string, layer: object) => ({ name, layer })
  return {
    name: 'tiny',
    model: {
      input: [1, SIDE, SIDE],
      layers: [
        layer('flatten', { kind: 'flatten' }),
        layer('fc1', { kind: 'linear', inFeatures: SIDE * SIDE, outFeatures: 24, bias: true }),
        layer('relu1', { kind: 'relu' }),
        layer('fc2', { kind: 'linear', inFeatures: 24, outFeatures: CLASSES, bias: true }),
      ],
    },
    data: { kind: 'mnist', validation: 80 },
    dense: {
      epochs: denseEpochs,
      batchSize: 16,
      optimizer: { kind: 'sgd', lr: 0.1, momentum: 0.9 },
      schedule: { kind: 'cosine' },
      regularization: { kind: 'l2', strength: 1e-4 },
    },
    prune: {
      criterion: {
        score: { kind: 'magnitude' },
        select: { kind: 'global', density: 0.2, normalize: 'survivors' },
      },
      rounds,
      retrain: { epochs, lrFactor: 0.5, distillation: { weight: 0.5, temperature: 2 } },
    },
  }
}
