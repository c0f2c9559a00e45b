import { loadAddon } from '../../lib/binding/addon.js'
import type { TrainerOptions, TrainingTally } from '../../lib/binding/native.js'
import { Dataset } from '../../lib/data/dataset.js'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { Network } from '../../lib/nn/network.js'
import { Optimizer } from '../../lib/optim/optimizer.js'
import { adam, type OptimizerSpec, sgd } from '../../lib/optim/spec.js'
import { toBytes } from '../../lib/tensor/bytes.js'
import { scope } from '../../lib/tensor/scope.js'
import { snapshot } from '../nn/bits.js'
import { type GoldenLayer, layersFrom } from '../nn/from_golden.js'
import { device } from '../support/device.js'
import { readGolden } from '../support/golden.js'

/** A case of the fixture. */
export interface Case {
  readonly name: string
  readonly optimizer: 'sgd' | 'adam'
  readonly accumulate: number
  readonly clipNorm: number
  readonly scale: number
  readonly scaleAge: number
}

const addon = loadAddon()
export const { fixture, tensor } = readGolden<{ layers: GoldenLayer[]; cases: Case[] }>('loss_scale')
export const BATCH = 16
/** Of an epoch. */
export const BATCHES = 6
export const LARGEST = 2 ** 24
const NOTHING = { steps: 0, samples: 0, lossSum: 0, lossCount: 0, judged: 0, correct: 0 }
export const ORDER = Array.from({ length: BATCH * BATCHES }, (_, i) => i)

/** A trainer in float16 that reads its samples in order, and where its loss scale begins. */
export function trainerOf(
  net: AnyNetwork,
  dataset: Dataset,
  spec: OptimizerSpec,
  options: Partial<TrainerOptions> = {},
  start: Pick<TrainingTally, 'scale' | 'scaleAge'> = {},
) {
  const optimizer = Optimizer.of(net, spec)
  const all = { batchSize: BATCH, autocast: 'float16', keepLosses: true, ...options } as const
  const trainer = addon.trainerMake(net.handle, optimizer.handle, dataset.handle, all)
  addon.trainerLoad(trainer, { ...NOTHING, ...start })
  const run = async (steps: number) =>
    (await addon.trainerRun(trainer, { rates: [spec.lr], order: ORDER, steps }).promise)!
  return { optimizer, run, state: () => addon.trainerState(trainer) }
}

/** The bits of everything that a step of training changes. */
export function bits(net: AnyNetwork, optimizer: Optimizer) {
  const moments = scope(() =>
    [...optimizer.state()].map(([name, state]) => [
      name,
      state.steps,
      Object.entries(state.moments).map(([moment, values]) => [moment, toBytes(values).data]),
    ]),
  )
  const masks = scope(() => net.prunable.map((layer) => net.mask(layer)?.data()))
  return structuredClone({ weights: snapshot(net), moments, masks })
}

/** The network of the fixture, masked. */
export async function golden() {
  const net: AnyNetwork = new Network([8], layersFrom(fixture.layers), { device })
  for (const name of net.tensorNames()) {
    using values = tensor(`initial.${name}`)
    await net.put([[name, values]])
  }
  for (const layer of ['fc1', 'fc2']) {
    using keep = tensor(`${layer}.keep`)
    await net.setMask(layer, keep)
  }
  return net
}

export function goldenData(): Dataset {
  using samples = tensor('images').to('cpu')
  using labels = tensor('labels').to('cpu')
  return Dataset.from(samples, labels)
}

export const SPECS: Record<Case['optimizer'], OptimizerSpec> = {
  sgd: sgd({ lr: 0.05, momentum: 0.9 }),
  adam: adam({ lr: 0.01 }),
}
