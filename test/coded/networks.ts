import {
  add,
  avgPool2d,
  batchNorm2d,
  conv2d,
  dropout,
  flatten,
  linear,
  localResponseNorm,
  maxPool2d,
  relu,
} from '../../lib/nn/layers/index.js'
import { type Network, network } from '../../lib/nn/network.js'
import { tensor } from '../../lib/tensor/from.js'
import { random } from '../cli/tiny.js'

/** Networks whose weights are what coded files must bring back. All are small. */
export const NETWORKS: Record<string, () => Promise<Network>> = {
  'fully connected layers with shared weights': () => pruned(0.1, 8),
  'one weight that is left': () => pruned(1e-9, 8),
  'weights that are all different': () => pruned(0.3, 0),
  'weights that are all kept': () => pruned(1, 16),
  'masks that repeat at a distance, and dead neurons': periodic,
  'no masks': async () =>
    network([5], { fc1: linear(5, 4), relu1: relu(), fc2: linear(4, 3) }, { seed: 1 }) as unknown as Network,
  'strange numbers': strange,
  'convolutions, normalization and a sum': residual,
}

async function pruned(density: number, shared: number): Promise<Network> {
  const net = network([1, 12, 12], {
    flatten: flatten(),
    fc1: linear(144, 40),
    relu1: relu(),
    drop: dropout(0.5),
    fc2: linear(40, 10),
  })
  const next = random(3)
  for (const name of ['fc1', 'fc2'] as const) {
    const weight = net.tensor(`${name}.weight`)
    const { shape } = weight
    const size = shape[0]! * shape[1]!
    const keep = Uint8Array.from({ length: size }, () => (next() < density ? 1 : 0))
    keep[size >> 1] = 1
    const share = (value: number) => (shared > 0 ? Math.round(value * shared) / shared + 1 / 16 : value)
    const values = Float32Array.from(keep, (kept) => (kept ? share(next() * 2 - 1) : 0))
    await net.put([[`${name}.weight`, tensor(values, { shape })]])
    if (density < 1) await net.setMask(name, tensor(keep, { dtype: 'bool', shape }))
  }
  return net as unknown as Network
}

/** Zeros of both signs, infinities, the smallest and largest numbers, and zeros that no mask prunes. */
async function strange(): Promise<Network> {
  const net = network([4], { fc: linear(4, 4) })
  const values = [0, -0, 1, Infinity, -Infinity, 2 ** -149, -(2 ** -149), 3.4028234663852886e38]
  const all = Float32Array.from([...values, 0, 0, 0, -0, 1, 1 / 3, 2 ** -126, -1])
  await net.put([['fc.weight', tensor(all, { shape: [4, 4] })]])
  await net.put([['fc.bias', tensor(new Float32Array(4))]])
  return net as unknown as Network
}

async function residual(): Promise<Network> {
  const net = network(
    [3, 9, 9],
    {
      conv1: conv2d(3, 8, 3, { padding: 1, bias: false }),
      bn1: batchNorm2d(8),
      relu1: relu(),
      conv2: conv2d(8, 8, 3, { padding: 1, groups: 2, stride: 1 }),
      sum: add('conv2', 'relu1'),
      norm: localResponseNorm(3),
      mean: avgPool2d(3, { stride: 1, padding: 1 }),
      pool: maxPool2d(2, { stride: 2, ceilMode: true }),
      flatten: flatten(),
      fc: linear(200, 4),
    },
    { seed: 2 },
  )
  const next = random(5)
  for (const name of ['bn1.running_mean', 'bn1.running_var', 'bn1.weight', 'bn1.bias'] as const)
    await net.put([[name, tensor(Float32Array.from({ length: 8 }, () => 0.5 + next()))]])
  const keep = Uint8Array.from({ length: 8 * 4 * 9 }, () => (next() < 0.3 ? 1 : 0))
  await net.setMask('conv2', tensor(keep, { dtype: 'bool', shape: [8, 4, 3, 3] }))
  return net as unknown as Network
}

/** Columns that are full at a period of 12 and empty at others, and rows and columns that are empty. */
async function periodic(): Promise<Network> {
  const net = network([144], { fc1: linear(144, 40), fc2: linear(40, 20) })
  const next = random(9)
  const masks = {
    fc1: Uint8Array.from({ length: 144 * 40 }, (_, i) => {
      const [row, column] = [Math.floor(i / 144), i % 144]
      return row % 5 > 0 && column > 20 && next() < (column % 12 < 5 ? 0.5 : 0.02) ? 1 : 0
    }),
    fc2: Uint8Array.from({ length: 40 * 20 }, (_, i) => (i % 5 > 0 && next() < 0.3 ? 1 : 0)),
  }
  await net.setMask('fc1', tensor(masks.fc1, { dtype: 'bool', shape: [40, 144] }))
  await net.setMask('fc2', tensor(masks.fc2, { dtype: 'bool', shape: [20, 40] }))
  return net as unknown as Network
}
