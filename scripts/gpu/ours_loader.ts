// Trains AlexNet on JPEG files: ours_loader.ts --folder DIR [--device cuda] [--train JSON] [--tiny]. Makes the files in
// DIR first. Its last line is JSON: images per second, only read and in training.
import { mkdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import sharp from 'sharp'
import { type Dataset, type Device, data, models, optim, train } from '../../lib/index.js'

const CLASSES = 10

const { values } = parseArgs({
  options: {
    folder: { type: 'string', default: '.' },
    device: { type: 'string', default: 'cuda' },
    /** Further options of `train()`, as JSON. */
    train: { type: 'string', default: '{}' },
    tiny: { type: 'boolean', default: false },
  },
})
const [COUNT, BATCH, EPOCHS] = values.tiny ? [40, 8, 2] : [2048, 256, 6]
const augment = { resizedCrop: true, flip: true } as const

/** Writes pictures of smooth noise, about as large as ImageNet's; returns the folder of classes. */
async function makePictures(): Promise<string> {
  const folder = join(values.folder, 'pictures')
  for (let label = 0; label < CLASSES; label++) mkdirSync(join(folder, `class${label}`), { recursive: true })
  const make = async (i: number) => {
    const noise = Buffer.alloc(25 * 22 * 3)
    for (let k = 0, state = i + 1; k < noise.length; k++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      noise[k] = state >>> 24
    }
    const picture = sharp(noise, { raw: { width: 25, height: 22, channels: 3 } })
    const [width, height] = [380 + (i % 7) * 8, 330 + (i % 5) * 9]
    await picture
      .resize(width, height, { fit: 'fill', kernel: 'cubic' })
      .jpeg({ quality: 90 })
      .toFile(join(folder, `class${i % CLASSES}`, `${i}.jpg`))
  }
  let next = 0
  const worker = async () => {
    while (next < COUNT) await make(next++)
  }
  await Promise.all(Array.from({ length: 4 * availableParallelism() }, worker))
  return folder
}

/** Images per second that are decoded and cropped, without training. */
async function reading(dataset: Dataset): Promise<number> {
  const started = performance.now()
  await dataset.check({ augment, batchSize: BATCH })
  return Math.round((1000 * dataset.length) / (performance.now() - started))
}

/** Images per second of training, the median of all epochs but the first. */
async function training(dataset: Dataset): Promise<number> {
  using network = models.createModel('alexnet', {
    seed: 0,
    device: values.device as Device,
    classes: CLASSES,
  })
  const epochs = train(network, dataset, {
    epochs: EPOCHS,
    batchSize: BATCH,
    dropLast: true,
    augment,
    optimizer: optim.sgd({ lr: 1e-3, momentum: 0.9, weightDecay: 5e-4 }),
    autocast: 'bfloat16',
    memoryFormat: 'channelsLast',
    ...JSON.parse(values.train),
  })
  const rates: number[] = []
  let started = performance.now()
  for await (const _ of epochs) {
    rates.push((1000 * dataset.length) / (performance.now() - started))
    started = performance.now()
  }
  const later = rates.slice(1).sort((a, b) => a - b)
  return Math.round(later[later.length >> 1]!)
}

const { dataset } = await data.imageClasses(await makePictures(), { threads: availableParallelism() })
await reading(dataset)
const rates = { images: COUNT, cores: availableParallelism(), reading: await reading(dataset) }
console.log(JSON.stringify({ ...rates, training: await training(dataset) }))
