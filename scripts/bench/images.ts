import { cpSync, mkdirSync } from 'node:fs'
import { mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Augmentation, type Dataset, data, packImages } from '../../lib/index.js'
import { findPython } from '../lenet/python.js'
import type { Measurement, Part } from './result.js'
import { Rival } from './rival.js'
import { spread } from './statistics.js'

const THREADS = 2
const BATCH = 32
const BATCHES = 16
const COUNT = BATCH * BATCHES
// torchvision's workers continue until they have prepared two batches each.
const PREFETCH_MS = 2000
const RESIZED: Augmentation = { resizedCrop: true, flip: true }

/**
 * Compares the images per second that are read into 224×224 training crops, from JPEG files and from a packed file, to
 * torchvision's loader.
 */
export const benchImages: Part = async ({ images, blocks }, say) => {
  if (images === undefined) {
    say('images: skipped; give a folder of classes with --images')
    return []
  }
  const folder = await mkdtemp(join(tmpdir(), 'torch-prune-bench-'))
  try {
    await repeat(images, join(folder, 'train'), COUNT)
    mkdirSync(join(folder, 'val'))
    const [name] = await readdir(join(folder, 'train'))
    cpSync(join(folder, 'train', name!), join(folder, 'val', name!), { recursive: true })
    const file = join(folder, 'images.pack')
    await packImages(folder, file, { validation: 1, threads: THREADS })
    const { dataset } = await data.imageClasses(join(folder, 'train'), { threads: THREADS })
    const { train } = await data.packed(file, { threads: THREADS })
    using rival = await Rival.launch(findPython({ anyRelease: true }), 'bench_images.py', {
      folder: join(folder, 'train'),
      workers: THREADS,
      batch: BATCH,
    })
    say(`images: ${blocks} blocks of ${COUNT} images per side`)
    const sides = [
      { what: 'JPEG files', target: 1 / 1.5, times: [] as number[], run: () => reading(dataset, RESIZED) },
      { what: 'JPEG files, exact', times: [] as number[], run: await exactly(join(folder, 'train')) },
      {
        what: 'packed file',
        target: 1 / 8,
        times: [] as number[],
        run: () => reading(train, { crop: {}, flip: true }),
      },
      { what: 'packed file, resized crops', times: [] as number[], run: () => reading(train, RESIZED) },
    ]
    const theirs: number[] = []
    for (const side of sides) await side.run()
    for (let block = 0; block < blocks; block++) {
      theirs.push((await rival.run(BATCHES)) / COUNT)
      await sleep(PREFETCH_MS)
      for (const side of sides) side.times.push(await side.run())
    }
    return sides.map(({ what, target, times }): Measurement => {
      const ratio = spread(times.map((time, i) => time / theirs[i]!))
      const rates = [times, theirs].map((seconds) => Math.round(1 / spread(seconds).median))
      return {
        what: `${what} / torchvision, ${THREADS} threads`,
        unit: '×',
        value: ratio.median,
        spread: ratio,
        ...(target !== undefined && { target }),
        note: `${rates[0]} / ${rates[1]} images/s`,
      }
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Measures the seconds per image. */
async function reading(dataset: Dataset, augment: Augmentation): Promise<number> {
  const started = performance.now()
  await dataset.check({ augment, batchSize: BATCH })
  return (performance.now() - started) / 1000 / dataset.length
}

async function exactly(folder: string) {
  const { dataset } = await data.imageClasses(folder, { threads: THREADS, exact: true })
  return () => reading(dataset, RESIZED)
}

/** Links to a folder's images repeatedly, until there are enough for a measurement. */
async function repeat(from: string, to: string, count: number): Promise<void> {
  const classes = (await readdir(from, { withFileTypes: true })).filter((entry) => entry.isDirectory())
  const files = (
    await Promise.all(
      classes.map(async ({ name }) => (await readdir(join(from, name))).map((file) => [name, file] as const)),
    )
  ).flat()
  for (let i = 0; i < count; i++) {
    const [name, file] = files[i % files.length]!
    mkdirSync(join(to, name), { recursive: true })
    await symlink(resolve(from, name, file), join(to, name, `${i}-${file}`))
  }
}
