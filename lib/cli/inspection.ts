import { stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { TorchPruneError } from '../base/errors.js'
import { quoted } from '../base/files.js'
import type { Profile } from '../coded/container.js'
import type { CodedSizes } from '../formats/coded/read.js'
import { withoutPrefix } from '../formats/foreign.js'
import { codedSizes, readTensorFileHeader } from '../formats/tensor_file.js'
import { readGraph } from '../nn/stored_graph.js'
import { zerosHint } from '../nn/zeros.js'
import { keptWeights } from '../prune/mask.js'
import { parameterReport } from '../prune/surgery/neurons.js'
import { type LayerSize, layerSizes } from '../quantize/size.js'
import { bitsTable } from '../report/bits_table.js'
import { formatCount, formatPercent, formatRatio, formatSeconds } from '../report/format.js'
import { layerTable, roundTable, summaryTable } from '../report/tables.js'
import { RECORD_FILE } from '../runs/files.js'
import { type RunRecord, readRunRecord } from '../runs/record.js'
import { type OpenOptions, openNetwork } from './network_file.js'
import { render } from './output.js'
import { sizeTable } from './size_table.js'
import { renderTable } from './table.js'

/** The content of a file or a folder. Sizes are in bytes, shares in 0..1. */
export type Inspection = NetworkInspection | TensorsInspection | RunInspection

interface NetworkInspection {
  readonly kind: 'network'
  readonly file: string
  readonly bytes: number
  /** The number of weights and biases without pruning, the number of kept ones, and the ratio of the two. */
  readonly parameters: number
  readonly kept: number
  readonly compression: number
  readonly layers: readonly LayerInspection[]
  /** How a coded file codes its weights. */
  readonly profile?: Profile
  /** The prefix of all names in the file, such as `module.`. */
  readonly prefix?: string
}

interface LayerInspection {
  readonly name: string
  /** `'conv'` or `'fc'`, as in run records. */
  readonly kind: string
  /** The shape of the weight. */
  readonly shape: readonly number[]
  readonly weights: number
  readonly kept: number
  /** The number of kept weights that are exactly 0. */
  readonly zeros: number
  readonly density: number
  /** For one sample, without pruning. */
  readonly flop: number
  /** The bytes of the weight, of the bias, and of what is stored next to the weight, in the file. */
  readonly bytes: number
  /** In a coded file: the bits that a kept weight takes, for its value and its place together. */
  readonly bitsPerKept?: number
  /** What its weight costs to write down, where weights share values. */
  readonly size?: LayerSize
}

/** What a file may hold of a layer. */
const PARTS = ['weight', 'weight_orig', 'bias', 'weight_mask', 'weight_index', 'weight_codebook']

interface TensorsInspection {
  readonly kind: 'tensors'
  readonly file: string
  readonly bytes: number
  readonly metadata: Readonly<Record<string, string>>
  readonly tensors: readonly {
    readonly name: string
    readonly dtype: string
    readonly shape: readonly number[]
    readonly bytes: number
  }[]
}

interface RunInspection {
  readonly kind: 'run'
  readonly folder: string
  readonly run: RunRecord
}

/**
 * Looks into a network file of ours, a foreign file of tensors (as a network, where `options.model` names it), or a
 * run's folder or record.
 *
 * @throws TorchPruneError `ERR_FILE` if it is missing, or is not what it claims to be.
 */
export async function inspect(path: string, options: OpenOptions = {}): Promise<Inspection> {
  const isRecord = basename(path) === RECORD_FILE
  const stats = await stat(path).catch(() => undefined)
  if (isRecord || stats?.isDirectory()) {
    if (options.mask !== undefined) refuseMask(path, 'is of a whole run: give the file of a network')
    return inspectRun(isRecord ? dirname(path) : path)
  }
  // This comes before the size is used, because it says what is wrong with a path that is not a file.
  const graph = await readGraph(path)
  if (graph !== undefined || options.model !== undefined) return inspectNetwork(path, stats!.size, options)
  if (options.mask !== undefined) refuseMask(path, 'holds no layer graph: name its network with --model')
  return inspectTensors(path, stats!.size)
}

function refuseMask(path: string, why: string): never {
  throw new TorchPruneError('ERR_ARGUMENT', `--mask is about a network's weights, and ${path} ${why}`)
}

async function inspectRun(folder: string): Promise<RunInspection> {
  return { kind: 'run', folder, run: await readRunRecord(folder) }
}

async function inspectTensors(file: string, bytes: number): Promise<TensorsInspection> {
  const { metadata, tensors } = await readTensorFileHeader(file)
  const list = [...tensors].map(([name, tensor]) => ({ name, ...tensor }))
  return { kind: 'tensors', file, bytes, metadata, tensors: list }
}

async function inspectNetwork(file: string, bytes: number, options: OpenOptions): Promise<NetworkInspection> {
  using network = await openNetwork(file, options)
  const { tensors, prefix } = withoutPrefix(network.tensorNames(), (await readTensorFileHeader(file)).tensors)
  const kept = new Map((await keptWeights(network)).map((layer) => [layer.name, layer]))
  const report = await parameterReport(network)
  const sizes = await layerSizes(network)
  const coded = await codedSizes(file)
  const shared = sizes.some(({ values }) => values !== undefined)
  const layers = network.costs.map(({ name, kind, weights, flop }) => {
    const own = PARTS.map((part) => tensors.get(`${name}.${part}`))
    return {
      name,
      kind,
      shape: (own[0] ?? own[1])!.shape,
      weights,
      kept: kept.get(name)!.kept,
      zeros: kept.get(name)!.zeros,
      density: kept.get(name)!.density,
      flop,
      ...(coded
        ? codedLayer(name, kept.get(name)!.kept, coded)
        : { bytes: own.reduce((sum, entry) => sum + (entry?.bytes ?? 0), 0) }),
      ...(shared && { size: sizes.find((size) => size.name === name)! }),
    }
  })
  const { dense: parameters, kept: left, compression } = report
  return {
    ...{ kind: 'network', file, bytes, parameters, kept: left, compression, layers },
    ...(coded && { profile: coded.profile }),
    ...(prefix !== '' && { prefix }),
  } as const
}

/** A coded file has masks and shared values within their weights. */
function codedLayer(name: string, kept: number, { bytes }: CodedSizes) {
  const [weight = 0, bias = 0] = ['weight', 'bias'].map((part) => bytes.get(`${name}.${part}`))
  return { bytes: Math.round(weight + bias), ...(kept > 0 && { bitsPerKept: (8 * weight) / kept }) }
}

/** An inspection as text, for people. */
export function inspectionText(inspection: Inspection): string {
  switch (inspection.kind) {
    case 'network':
      return networkText(inspection)
    case 'tensors':
      return tensorsText(inspection)
    case 'run':
      return runText(inspection.run)
  }
}

function networkText(inspection: NetworkInspection): string {
  const { layers, parameters, kept, compression, bytes, prefix, profile } = inspection
  const columns = ['layer', 'kind', 'shape', 'weights', 'kept', 'density', 'FLOP', 'bytes']
  if (profile !== undefined) columns.push('bits/kept')
  const rows = layers.map((layer) => [
    layer.name,
    layer.kind,
    layer.shape.join('×'),
    formatCount(layer.weights),
    formatCount(layer.kept),
    formatPercent(100 * layer.density, 1),
    formatCount(layer.flop),
    formatCount(layer.bytes),
    ...(profile === undefined ? [] : [layer.bitsPerKept?.toFixed(1) ?? '–']),
  ])
  const total = (value: (layer: LayerInspection) => number) =>
    layers.reduce((sum, layer) => sum + value(layer), 0)
  const weights = total((layer) => layer.weights)
  const left = total((layer) => layer.kept)
  const sums = [
    'total',
    '',
    '',
    formatCount(weights),
    formatCount(left),
    formatPercent((100 * left) / weights, 1),
  ]
  rows.push([...sums, formatCount(total((layer) => layer.flop)), formatCount(total((layer) => layer.bytes))])
  const bits = total(({ kept, bitsPerKept = 0 }) => kept * bitsPerKept)
  if (profile !== undefined) rows.at(-1)!.push(left > 0 ? (bits / left).toFixed(1) : '–')
  const how = profile === undefined ? '' : ` (${profile})`
  const size = `${parameters} parameters with biases, ${kept} kept: ${formatRatio(compression)}`
  const under = prefix === undefined ? '' : `; all names are under the prefix ${quoted(prefix)}`
  const hint = zerosHint(layers, "load with { mask: 'zeros' }, or give --mask zeros,")
  const rest = hint === undefined ? [] : [hint]
  const sizes = layers.flatMap((layer) => layer.size ?? [])
  const sharing = sizes.length > 0 ? ['', sizeTable(sizes)] : []
  return [renderTable(columns, rows), ...sharing, '', `${size}; ${bytes} bytes${how}${under}`, ...rest].join(
    '\n',
  )
}

function tensorsText({ tensors, metadata, bytes }: TensorsInspection): string {
  const rows = tensors.map(({ name, dtype, shape, bytes }) => [
    name,
    dtype,
    shape.join('×') || 'scalar',
    formatCount(bytes),
  ])
  const count = tensors.length === 1 ? '1 tensor' : `${tensors.length} tensors`
  const notes = Object.entries(metadata).map(([key, value]) => `${quoted(key)}: ${quoted(value)}`)
  return [
    renderTable(['tensor', 'dtype', 'shape', 'bytes'], rows),
    '',
    ...(notes.length > 0 ? [`metadata ${notes.join(', ')}`] : []),
    `${count}, ${bytes} bytes; the file holds no layer graph, name its network with --model`,
  ].join('\n')
}

function runText(run: RunRecord): string {
  const { recipe, seed, device, threads, versions, seconds } = run
  const { torchPrune, libtorch, node } = versions
  const bits = bitsTable(run)
  return [
    `${recipe}, seed ${seed}, ${device}, ${threads} ${threads === 1 ? 'thread' : 'threads'}, ${formatSeconds(seconds)}`,
    `torch-prune ${torchPrune}, libtorch ${libtorch}, Node ${node}`,
    '',
    render(layerTable(run)),
    '',
    render(summaryTable(run)),
    '',
    ...(bits ? [render(bits), ''] : []),
    render(roundTable(run)),
  ].join('\n')
}
