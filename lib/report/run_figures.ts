import { join } from 'node:path'
import { exists, refuse } from '../base/files.js'
import { isPrunable, parting } from '../nn/cost.js'
import { resolveGraph } from '../nn/graph.js'
import { readGraph } from '../nn/stored_graph.js'
import { channelGroups } from '../nn/surgery/channels.js'
import { Checkpoint } from '../runs/checkpoint.js'
import { MODEL_FILE, QUANTIZED_FILE, RECORD_FILE, REFERENCE_FILE } from '../runs/files.js'
import type { RunRecord } from '../runs/record.js'
import { indexBits, type SparseLayer } from './cost.js'
import type { Figure } from './figure.js'
import { energyFigure } from './figures/cost.js'
import { histogramFigure, type Stage } from './figures/histogram.js'
import { neuronFigure } from './figures/neurons.js'
import { bandsFigure, findImageLayer, pixelsFigure } from './figures/pattern.js'
import { countNeurons } from './neurons.js'
import type { State } from './palette.js'
import {
  type Connections,
  countConnections,
  histogram,
  histogramLimit,
  readLayerWeights,
  sparseEntries,
} from './weights.js'

const BINS = 80
/** With more layers than this, a page shows only some of their histograms at first; all of them would bury the rest. */
const MOST_HISTOGRAMS = 12

/** The figures of a run. */
export interface RunFigures {
  readonly figures: readonly Figure[]
  /** Files that no longer exist, which some figures would need. */
  readonly missing: readonly string[]
}

/** Draws the figures of the networks in a finished run's folder. */
export async function runFigures(dir: string, record: RunRecord): Promise<RunFigures> {
  const stages = stageFiles(dir, record)
  const found: StageFile[] = []
  for (const stage of stages) if (await exists(stage.path)) found.push(stage)
  const model = found.find(({ file }) => file === MODEL_FILE)
  const rest = model ? await modelFigures(model.path, record) : []
  const weights: Figure[] = []
  const shown = heaviest(record)
  for (const [index, { name, kind }] of record.layers.entries()) {
    const phase = firstPhase(record, kind)
    const own = found.filter((stage) => stage.phase === undefined || stage.phase === phase)
    if (own.length === 0) break
    const figure = await weightsFigure(name, index, own)
    weights.push(shown.has(name) ? figure : { ...figure, group: 'Weights of the other layers' })
  }
  return {
    figures: [...rest, ...weights],
    missing: stages.filter((stage) => !found.includes(stage)).map(({ file }) => file),
  }
}

/** The layers with the most weights, whose histograms a page shows immediately. */
function heaviest({ layers }: RunRecord): Set<string> {
  const sorted = layers.toSorted((a, b) => b.weights - a.weights)
  return new Set(sorted.slice(0, layers.length > MOST_HISTOGRAMS ? 4 : undefined).map(({ name }) => name))
}

interface StageFile {
  readonly name: State
  readonly file: string
  readonly path: string
  /**
   * The phase of a round for which the file is shown: it shows only the layers that this phase is the first to prune.
   */
  readonly phase?: number
}

function stageFiles(dir: string, record: RunRecord): StageFile[] {
  const last = record.rounds.at(-1)?.round
  const stage = (name: State, path: string): StageFile => ({ name, file: path.slice(dir.length + 1), path })
  const phases = new Set(record.layers.map(({ kind }) => firstPhase(record, kind)))
  const pruned = (round: number) =>
    [...phases]
      .sort()
      .map((phase) => ({ ...stage('pruned', new Checkpoint(dir).pruned(round, phase)), phase }))
  return [
    stage('dense', join(dir, REFERENCE_FILE)),
    ...(last === undefined ? [] : pruned(last)),
    stage('retrained', join(dir, MODEL_FILE)),
    ...(record.quantized ? [stage('quantized', join(dir, QUANTIZED_FILE))] : []),
  ]
}

/** The first phase of a round that prunes layers of a kind, counting from 0. */
function firstPhase({ phases = [] }: RunRecord, kind: string): number {
  return Math.max(
    0,
    phases.findIndex((phase) => phase === 'all' || phase === kind),
  )
}

/** Draws what remains: dead neurons, the energy that an inference takes, and the first layer's pattern. */
async function modelFigures(path: string, record: RunRecord): Promise<Figure[]> {
  const graph = await readGraph(path)
  if (graph === undefined) return []
  const nodes = resolveGraph(graph.inputShape, graph.layers)
  const imageLayer = findImageLayer(nodes, graph.inputShape)
  const connections = new Map<string, Connections>()
  const layers: SparseLayer[] = []
  const patterns: Figure[] = []
  for (const node of nodes.filter(isPrunable)) {
    const { name } = node
    const own = record.layers.find((candidate) => candidate.name === name)
    if (own === undefined)
      refuse(path, `has a layer '${name}' that ${RECORD_FILE} does not name`, 'run again')
    using weights = await readLayerWeights(path, name)
    const { keep } = weights
    connections.set(name, countConnections(keep, parting(node)))
    layers.push({ ...own, entries: sparseEntries(keep, indexBits(own.kind)) })
    if (name === imageLayer?.name) {
      patterns.push(await bandsFigure(imageLayer, keep), await pixelsFigure(imageLayer, keep))
    }
  }
  const neurons = countNeurons(channelGroups(graph.inputShape, nodes), connections)
  return [
    neuronFigure(
      neurons,
      layers.some(({ kind }) => kind === 'conv'),
    ),
    energyFigure(layers),
    ...patterns,
  ]
}

async function weightsFigure(layer: string, index: number, files: readonly StageFile[]): Promise<Figure> {
  let limit = 0
  for (const { path } of files) {
    using weights = await readLayerWeights(path, layer)
    limit = Math.max(limit, histogramLimit(weights))
  }
  // The largest weight is not at the very edge; a layer without any remaining weights has no range of its own.
  limit = 1.02 * limit || 1
  const stages: Stage[] = []
  for (const { name, path } of files) {
    using weights = await readLayerWeights(path, layer)
    stages.push({ name, histogram: histogram(weights, limit, BINS) })
  }
  return histogramFigure(layer, index, limit, stages)
}
