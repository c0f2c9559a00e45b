import type { Batch, BatchSource } from '../../lib/data/batches.js'
import { Dataset } from '../../lib/data/dataset.js'
import { sgd } from '../../lib/optim/spec.js'
import { toyData } from '../train/toy.js'

export const plan = { epochs: 3, optimizer: sgd({ lr: 0.1, momentum: 0.9 }), batchSize: 16 }

/** The toy's batches in its order, whole. */
export const toyBatches = (set = toyData(), each = 16): Batch[] =>
  Array.from({ length: Math.ceil(set.length / each) }, (_, i) =>
    set.batch(Array.from({ length: Math.min(each, set.length - i * each) }, (_, k) => i * each + k)),
  )

export const of = (source: BatchSource, more = {}) =>
  Dataset.fromBatches(source, { sampleShape: [6], ...more })
