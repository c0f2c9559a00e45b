import { TorchPruneError } from '../base/errors.js'
import type { Dataset } from '../data/dataset.js'
import { mnist } from '../data/mnist.js'
import type { Network } from '../nn/network.js'
import { removeDeadNeurons, type ShrinkReport } from '../prune/surgery/shrink.js'
import { readData } from '../recipes/data.js'
import { findRecipe } from '../recipes/registry.js'
import { formatCount, formatRatio } from '../report/format.js'
import { ownFile } from '../runs/own_folder.js'
import { type OpenOptions, openNetwork, refuseInput, refuseOtherEnding } from './network_file.js'
import { print, printJson } from './output.js'
import { renderTable } from './table.js'
import { shown } from './work.js'

export interface ShrinkOptions extends OpenOptions {
  readonly out: string
  readonly data?: string
  readonly certify?: string
  readonly json?: boolean
}

const REASONS = {
  coupled: 'a residual sum couples them to live ones',
  padding: 'their constant is not 0 and enters a padded layer',
  groups: 'every group of a convolution must lose as many',
  neighbors: 'local response normalization reads the channels next to them',
  normalized: 'a normalization takes its statistics over them and others',
  last: 'a layer keeps one neuron',
} as const

/** Removes the dead neurons of a file's network, and compares outputs on a test set if its samples fit. */
export async function shrink(file: string, options: ShrinkOptions, signal: AbortSignal): Promise<void> {
  const { out } = options
  refuseInput(out, file)
  refuseOtherEnding(out)
  await using _ = await ownFile(out)
  using network = await openNetwork(file, options)
  const certify = await testSetFor(network, options)
  const report = await removeDeadNeurons(network, { certify, signal })
  await network.save(out)
  if (options.json) printJson({ kind: 'shrink', file: out, ...report })
  else print(shrinkText(report, out))
}

async function testSetFor(network: Network, { certify, data }: ShrinkOptions): Promise<Dataset | undefined> {
  if (certify !== undefined) return (await readData((await findRecipe(certify)).data, data)).test
  // Nothing is trained, so no validation part is needed, and the data set may have any size.
  const test = async () => (await mnist(data, { validation: 1 })).test
  if (data !== undefined) return test()
  if (network.inputShape.join() !== '1,28,28') return undefined
  try {
    return await test()
  } catch (error) {
    // The default data set need not be installed.
    if (error instanceof TorchPruneError && error.code === 'ERR_FILE') return undefined
    throw error
  }
}

function shrinkText(report: ShrinkReport, out: string): string {
  const { removed, kept, certificate, parametersBefore, parametersAfter } = report
  const lines = []
  if (removed.length === 0) lines.push('No neuron is dead.')
  else {
    const rows = removed.map(({ layer, neurons, of }) => [layer, of, neurons, of - neurons])
    lines.push(renderTable(['layer', 'neurons', 'dead', 'left'], rows), '')
  }
  for (const { layers, neurons, reason } of kept) {
    lines.push(`${neurons} of ${layers.join(' and ')} stay: ${REASONS[reason]}`)
  }
  const ratio = formatRatio(parametersBefore / parametersAfter)
  lines.push(
    `${formatCount(parametersBefore)} parameters before, ${formatCount(parametersAfter)} after (${ratio})`,
  )
  if (certificate) {
    const { samples, relativeChange } = certificate
    const moved = `moved by at most ${relativeChange.toExponential(1)} of the largest output`
    lines.push(`Over ${samples} test samples outputs ${relativeChange === 0 ? 'did not move' : moved}.`)
  } else lines.push('Outputs were not compared: give test samples with --certify or --data.')
  lines.push(`The smaller network is in ${shown(out)}`)
  return lines.join('\n')
}
