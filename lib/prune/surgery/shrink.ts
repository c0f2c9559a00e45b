import { refuseOwned } from '../../base/lease.js'
import { readOptions } from '../../base/option.js'
import { networkKind } from '../../nn/any_network.js'
import type { LayerKinds } from '../../nn/graph.js'
import type { Network } from '../../nn/network.js'
import { refuseSpliced } from '../../nn/sealed.js'
import { type KeptNeurons, type RemovedNeurons, Shrinking } from '../../nn/surgery/shrinking.js'
import { invokeLater } from '../../tensor/invoke.js'
import { Tensor } from '../../tensor/tensor.js'
import { predict } from '../../train/evaluate.js'
import { holdingNetwork } from '../../train/lease.js'
import { type ShrinkOptions, shrinkOptions } from '../options.js'

export interface Certificate {
  readonly samples: number
  /** The largest change of any output, and its ratio to the largest output. */
  readonly largestChange: number
  readonly relativeChange: number
}

export interface ShrinkReport {
  readonly removed: readonly RemovedNeurons[]
  readonly kept: readonly KeptNeurons[]
  readonly parametersBefore: number
  readonly parametersAfter: number
  /** How much outputs changed, on the dataset that was given. */
  readonly certificate?: Certificate
}

/**
 * Removes neurons that contribute nothing (paper, section 3.5): those without outgoing connections, and those without
 * incoming ones, whose constant outputs are added to the next layer's bias if that is exact. It repeats this until none
 * is left, so that it removes chains of such neurons as well. The network itself gets smaller, and its optimizers can
 * no longer be used.
 *
 * Rejects with TorchPruneError, also for wrong arguments: `ERR_ARGUMENT`; `ERR_BUSY` for a network in use; `ERR_SEAL`
 * for one that is spliced.
 */
export async function removeDeadNeurons<K extends LayerKinds>(
  network: Network<K>,
  options: ShrinkOptions = {},
): Promise<ShrinkReport> {
  networkKind.read(network, 'prune.removeDeadNeurons: network')
  const read = readOptions('prune.removeDeadNeurons', shrinkOptions, options)
  refuseOwned(network)
  refuseSpliced(network, 'dead neurons are not removed')
  return holdingNetwork('removeDeadNeurons()', network, { datasets: [read.certify] }, () =>
    removeOnce(network, read),
  )
}

async function removeOnce<K extends LayerKinds>(
  network: Network<K>,
  options: ShrinkOptions,
): Promise<ShrinkReport> {
  const { certify, signal } = options
  using before = certify && (await predict(network, certify, { signal }))
  const { memoryFormat, parameterCount: parametersBefore } = network
  using work = await Shrinking.of(network)
  await work.run(signal)
  const removed = work.removed()
  if (removed.length > 0) await network.rebuild(work.layers, work.tensors)
  await network.setMemoryFormat(memoryFormat, signal)
  const report = { removed, kept: work.kept, parametersBefore, parametersAfter: network.parameterCount }
  if (certify === undefined || before === undefined) return report
  using after = await predict(network, certify, { signal })
  return { ...report, certificate: await compareOutputs(before, after) }
}

/** How much the outputs of two networks differ on the same samples. */
async function compareOutputs(before: Tensor, after: Tensor): Promise<Certificate> {
  using change = Tensor.wrap(await invokeLater('sub.Tensor', before, after))
  const [largestChange, largest] = [await largestOf(change), await largestOf(before)]
  return {
    samples: before.shape[0]!,
    largestChange,
    relativeChange: largest === 0 ? 0 : largestChange / largest,
  }
}

async function largestOf(values: Tensor): Promise<number> {
  using magnitudes = Tensor.wrap(await invokeLater('abs', values))
  using largest = Tensor.wrap(await invokeLater('max', magnitudes))
  return Number(largest.item())
}
