import { z } from 'zod'
import { TorchPruneError } from '../base/errors.js'
import { Network } from '../nn/network.js'
import { ema, swa } from '../optim/averaging.js'
import { l1, l2, noRegularization } from '../optim/regularization.js'
import { constant, cosine, step } from '../optim/schedule.js'
import { adam, adamw, sgd } from '../optim/spec.js'
import {
  deviation,
  filterNorm,
  fisher,
  globalDensity,
  layerDensity,
  type ScoreFunction,
  scores,
} from '../prune/criterion.js'
import { paperTable } from '../runs/paper.js'
import { Tensor } from '../tensor/tensor.js'

/**
 * Lets a builder make the value, so that ranges and defaults are written once, there. What it refuses is
 * reported with its place in the recipe.
 */
function built<In, Out>(build: (value: In) => Out) {
  return (value: In, context: z.RefinementCtx): Out => {
    try {
      return build(value)
    } catch (error) {
      if (!(error instanceof TorchPruneError)) throw error
      context.addIssue(error.message)
      return z.NEVER
    }
  }
}

const number = z.number().exactOptional()
const flag = z.boolean().exactOptional()
const count = z.int().positive()
const deviationOf = z.enum(['initial', 'current', 'survivors'])
const perLayer = z.union([z.number(), z.record(z.string(), z.number())])

const adaptive = {
  lr: number,
  betas: z.tuple([z.number(), z.number()]).exactOptional(),
  eps: number,
  amsgrad: flag,
  weightDecay: number,
  fused: flag,
}
const optimizer = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal('sgd'),
      lr: z.number(),
      momentum: number,
      dampening: number,
      nesterov: flag,
      weightDecay: number,
      fused: flag,
    })
    .transform(built(({ kind: _, ...options }) => sgd(options))),
  z
    .strictObject({ kind: z.literal('adam'), ...adaptive })
    .transform(built(({ kind: _, ...options }) => adam(options))),
  z
    .strictObject({ kind: z.literal('adamw'), ...adaptive })
    .transform(built(({ kind: _, ...options }) => adamw(options))),
])

const schedule = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('constant') }).transform(() => constant()),
  z
    .strictObject({ kind: z.literal('cosine'), warmup: number, final: number })
    .transform(built(({ kind: _, ...options }) => cosine(options))),
  z
    .strictObject({ kind: z.literal('step'), every: z.number(), factor: number })
    .transform(built(({ every, factor }) => step(every, factor))),
])

const regularization = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }).transform(() => noRegularization),
  z
    .strictObject({ kind: z.literal('l1'), strength: z.number() })
    .transform(built(({ strength }) => l1(strength))),
  z
    .strictObject({ kind: z.literal('l2'), strength: z.number() })
    .transform(built(({ strength }) => l2(strength))),
])

const averaging = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ema'), decay: number }).transform(built(({ decay }) => ema(decay))),
  z.strictObject({ kind: z.literal('swa'), start: number }).transform(built(({ start }) => swa(start))),
])

// `layers` follows from the names in `quality` or `density`; built criteria hold it, so it may come along.
const layers = z.array(z.string()).exactOptional()
const layersOrKind = z.union([z.array(z.string()), z.enum(['conv', 'fc'])]).exactOptional()
const criterion = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal('deviation'),
      quality: perLayer,
      of: deviationOf.exactOptional(),
      layers,
    })
    .transform(built(({ kind: _, layers: __, quality, ...options }) => deviation(quality, options))),
  z
    .strictObject({ kind: z.literal('layerDensity'), density: perLayer, layers })
    .transform(built(({ density }) => layerDensity(density))),
  z
    .strictObject({
      kind: z.literal('globalDensity'),
      density: z.number(),
      normalize: z.enum(['none', ...deviationOf.options]).exactOptional(),
      layers: layersOrKind,
    })
    .transform(built(({ kind: _, density, ...options }) => globalDensity(density, options))),
  z
    .strictObject({
      kind: z.literal('fisher'),
      density: z.number(),
      batches: count.exactOptional(),
      batchSize: count.exactOptional(),
      seed: z.int().nonnegative().exactOptional(),
      layers: layersOrKind,
    })
    .transform(built(({ kind: _, density, ...options }) => fisher(density, options))),
  z
    .strictObject({ kind: z.literal('filterNorm'), density: perLayer, layers })
    .transform(built(({ density }) => filterNorm(density))),
  // Functions come from modules alone.
  z
    .strictObject({
      kind: z.literal('scores'),
      density: z.number(),
      scores: z.custom<ScoreFunction>(
        (value) => typeof value === 'function',
        'expected a function, from a module',
      ),
      perLayer: flag,
      layers: layersOrKind,
    })
    .transform(built(({ kind: _, density, scores: score, ...options }) => scores(density, score, options))),
])

const pixels = z.number().int().min(0)
const range = z.tuple([z.number().positive(), z.number().positive()])
const augment = z.strictObject({
  crop: z.strictObject({ padding: pixels.exactOptional() }).exactOptional(),
  resizedCrop: z
    .union([z.literal(true), z.strictObject({ scale: range.exactOptional(), ratio: range.exactOptional() })])
    .exactOptional(),
  flip: flag,
  cutout: pixels.exactOptional(),
})

const share = z.number().min(0).max(1)
const progressiveResizing = z.strictObject({
  initialScale: share.exactOptional(),
  delayFraction: share.exactOptional(),
  finetuneFraction: share.exactOptional(),
  sizeIncrement: count.exactOptional(),
})

const training = {
  epochs: count,
  batchSize: count.exactOptional(),
  dropLast: flag,
  schedule: schedule.exactOptional(),
  regularization: regularization.exactOptional(),
  labelSmoothing: share.exactOptional(),
  averaging: averaging.exactOptional(),
  augment: augment.exactOptional(),
  progressiveResizing: progressiveResizing.exactOptional(),
  memoryFormat: z.enum(['contiguous', 'channelsLast']).exactOptional(),
  autocast: z.enum(['bfloat16', 'none']).exactOptional(),
}

const distillation = z.strictObject({
  weight: z.number().min(0).max(1).exactOptional(),
  temperature: z.number().positive().exactOptional(),
  teacher: z
    .union([z.instanceof(Network), z.instanceof(Tensor)], 'expected a network or its logits, from a module')
    .exactOptional(),
})

/** What a recipe says in plain data, whether it comes from JSON or out of a module. */
export const planSchemas = {
  name: z.string().regex(/^\w[\w.-]*$/, 'expected letters, digits, dots and dashes: it names a folder'),
  dense: z.strictObject({ ...training, optimizer }),
  prune: z.strictObject({
    criterion,
    rounds: count.exactOptional(),
    densitySchedule: z.enum(['geometric', 'linear', 'cubic']).exactOptional(),
    phases: z.union([z.literal('alternate'), z.array(z.enum(['all', 'conv', 'fc'])).min(1)]).exactOptional(),
    adjustDropout: z.union([z.boolean(), z.literal('off')]).exactOptional(),
    retrain: z.strictObject({
      ...training,
      optimizer: optimizer.exactOptional(),
      lrFactor: z.number().positive().exactOptional(),
      distillation: distillation.exactOptional(),
      cachePrefix: flag,
      cacheVariants: count.exactOptional(),
    }),
  }),
  paper: paperTable.exactOptional(),
}
