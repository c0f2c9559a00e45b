import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadNetwork, type models, type Recipe, TorchPruneError } from '../../lib/index.js'
import { MODEL_FILE, readRunRecord } from '../../lib/internal.js'
import { runExperiment } from './experiment.js'
import type { ExperimentOptions } from './options.js'
import { writePictures } from './pictures.js'

const CLASSES = 10
/** The side of samples in pixels: the smallest of which each network's pooling leaves anything. */
const SIDES: Readonly<Record<string, number>> = {
  alexnet: 64,
  'alexnet-caffe': 227,
  'vgg-16': 32,
  'vgg-16-bn': 32,
}

/**
 * Runs all parts of the experiment on a small scale: small images of ten classes, narrow FC layers, and one epoch per
 * part. Then runs it again with --resume, which must find all parts done.
 *
 * @throws TorchPruneError `ERR_SEAL` if a pruned weight is not +0, `ERR_OUTPUT` if the record is not that of a pruned
 * network.
 */
export async function smoke(recipe: Recipe, options: ExperimentOptions, signal: AbortSignal): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), `torch-prune-${recipe.name}-`))
  try {
    const [data, out] = [join(folder, 'pictures'), join(folder, 'run')]
    await writePictures(data, { classes: CLASSES, train: 3, held: 1, side: 96 })
    const size = SIDES[recipe.name]!
    // Caffe's AlexNet only takes crops of one size.
    const sized = recipe.name === 'alexnet-caffe' ? {} : { size }
    const small: Recipe = {
      ...recipe,
      model: { name: recipe.name as models.ModelName, ...sized, hidden: 256 },
      data: { kind: 'images', size, validation: CLASSES },
    }
    const little = {
      epochs: 1,
      retrainEpochs: 1,
      rounds: 1,
      batchSize: 10,
      cacheVariants: 2,
      densities: [0.5, 0.1],
    }
    const whole = { ...little, ...options, data, out }
    await runExperiment(small, whole, signal)
    await runExperiment(small, { ...whole, resume: true, quiet: true }, signal)
    await checkResult(out)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function checkResult(out: string): Promise<void> {
  using network = await loadNetwork(join(out, MODEL_FILE))
  await network.assertSealed()
  const { pruned, reference, rounds } = await readRunRecord(out)
  if (rounds.length > 0 && pruned.parameters < reference.parameters && pruned.top5Error !== undefined) return
  throw new TorchPruneError(
    'ERR_OUTPUT',
    `${out} does not contain a pruned network's record: look at its run.json`,
  )
}
