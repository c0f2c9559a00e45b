import type { Dataset } from '../data/dataset.js'
import { mnist } from '../data/mnist.js'
import type { Network } from '../nn/network.js'
import { removeDeadNeurons, type ShrinkReport } from '../prune/shrink.js'
import { formatCount, formatRatio } from '../report/format.js'
import { openNetwork } from './network_file.js'
import { print } from './output.js'
import type { ShrinkOptions } from './shrink.js'
import { renderTable } from './table.js'

const REASONS = {
  coupled: 'a residual sum couples them to live ones',
  padding: 'their constant is not 0 and enters a padded layer',
  groups: 'they are channels of a grouped convolution',
  neighbours: 'local response normalisation looks at the channels beside them',
  last: 'a layer keeps one neuron',
} as const

/** Removes the dead neurons of a file's network, certified on the test set where its samples fit. */
export async function shrink(
  file: string,
  { out, data, model }: ShrinkOptions,
  signal: AbortSignal,
): Promise<void> {
  using network = await openNetwork(file, model)
  const certify = await testSetFor(network, data)
  const report = await removeDeadNeurons(network, { certify, signal })
  await network.save(out)
  print(shrinkText(report, out))
}

async function testSetFor(network: Network, data: string | undefined): Promise<Dataset | undefined> {
  const fits = network.inputShape.join() === '1,28,28'
  if (!fits && data === undefined) return undefined
  return (await mnist(data)).test
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
    const moved = certificate.relativeChange.toExponential(1)
    lines.push(
      `Over ${certificate.samples} test samples outputs moved by at most ${moved} of the largest output.`,
    )
  } else lines.push('Outputs were not compared: give test samples with --data.')
  lines.push(`The smaller network is in ${out}`)
  return lines.join('\n')
}
