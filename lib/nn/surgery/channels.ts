import { append, product } from '../../base/lists.js'
import { isPrunable } from '../cost.js'
import type { Node } from '../graph.js'
import { kindOf } from '../layer_kind.js'
import type { Channels } from '../layers/parts/kind.js'

/**
 * Where channels flow. Layers whose outputs have the same channels form a group: what a convolution or a fully
 * connected layer puts out, with all that passes it on, and with everything a residual sum couples to it. A
 * channel can be removed from a whole group or not at all.
 */
export interface ChannelGroup {
  readonly size: number
  /** Layers with connections whose outputs are the group's channels, made of all of their inputs. */
  readonly producers: readonly Node[]
  /** Layers with connections that read the group. */
  readonly consumers: readonly Consumer[]
  /** Layers with parameters for each channel that pass the group on: normalizations, depthwise convolutions. */
  readonly members: readonly Member[]
  /** In how many equal blocks they come, of which each must lose as many: of grouped convolutions. */
  readonly blocks: number
  /** Why no channel may go, if so. */
  readonly fixed?: Fixed
}

/**
 * `neighbors`: a local response normalization counts channels. `normalized`: a normalization takes its statistics over
 * several of them. `coupled`: parts of different groups are added to each other. `groups`: a grouped convolution reads
 * several of them after each other.
 */
type Fixed = 'input' | 'output' | 'coupled' | 'groups' | NonNullable<Channels['fixed']>

/** Where the group's channels lie among those of a layer, which may read several groups after each other. */
interface Place {
  readonly node: Node
  /** What it reads: `'input'` or a layer. */
  readonly source: string
  /** The first of them among the channels of the source. */
  readonly first: number
}

export interface Consumer extends Place {
  /** Inputs of its weight in front of the group's. */
  readonly before: number
  /** Inputs of its weight that a channel has: its pixels, after a flatten. */
  readonly columns: number
}

export interface Member extends Place {}

interface Building {
  readonly size: number
  producers: Node[]
  consumers: Consumer[]
  members: Member[]
  blocks: number
  fixed?: Fixed
  into?: Building
}

/** Part of the channels of a layer's output: all channels of a group. */
interface Part {
  readonly group: Building
  readonly columns: number
}

/** The groups of a network. `input` is the shape of one sample. */
export function channelGroups(input: readonly number[], nodes: readonly Node[]): ChannelGroup[] {
  const all: Building[] = []
  const parts = new Map<string, readonly Part[]>()
  const fresh = (size: number): Building => {
    const group: Building = { size, producers: [], consumers: [], members: [], blocks: 1 }
    all.push(group)
    return group
  }
  const partsOf = (name: string): readonly Part[] =>
    parts.get(name)!.map(({ group, columns }) => ({ group: standing(group), columns }))
  const entry = fresh(input[0]!)
  entry.fixed = 'input'
  parts.set('input', [{ group: entry, columns: 1 }])
  for (const node of nodes) {
    const { name, layer, inputs, inputShapes, shape } = node
    const { flow, each, blocks = 1, fixed } = kindOf(layer).channels(layer, inputShapes[0]!)
    const source = inputs[0]!
    const read = inputs.map(partsOf)
    if (flow === 'concatenates') {
      const together = read.flat()
      // A layer beside itself: its channels stand in two places, and go from both or none.
      for (const { group } of together.filter(({ group }, i) => isBefore(together, group, i)))
        group.fixed ??= 'coupled'
      parts.set(name, together)
      continue
    }
    const [first = [], ...others] = read
    const places = placesOf(node, source, first)
    if (fixed) for (const { group } of first) group.fixed ??= fixed
    if (flow === 'mixes') {
      for (const { group, ...place } of places) group.consumers.push(place)
      const written = fresh(shape[0]!)
      written.producers.push(node)
      written.blocks = blocks
      for (const { group } of blocks > 1 ? first : []) {
        group.blocks = common(group.blocks, blocks)
        if (first.length > 1) group.fixed ??= 'groups'
      }
      parts.set(name, [{ group: written, columns: 1 }])
      continue
    }
    for (const other of others) couple(first, other)
    if (each) for (const { group, before, columns, ...place } of places) group.members.push(place)
    const spread = flow === 'flattens' ? product(inputShapes[0]!.slice(1)) : 1
    parts.set(
      name,
      first.map(({ group, columns }) => ({ group, columns: columns * spread })),
    )
  }
  for (const { group } of partsOf(nodes.at(-1)!.name)) group.fixed ??= 'output'
  return all.filter((group) => group.into === undefined)
}

/** Layers with connections whose outputs are a group's channels, depthwise convolutions among them. */
export function neuronLayers({ producers, members }: ChannelGroup): readonly Node[] {
  return [...producers, ...members.map(({ node }) => node).filter(isPrunable)]
}

/** The smallest number that both divide. */
function common(a: number, b: number): number {
  const divisor = (x: number, y: number): number => (y === 0 ? x : divisor(y, x % y))
  return (a * b) / divisor(a, b)
}

function placesOf(node: Node, source: string, parts: readonly Part[]) {
  let [first, before] = [0, 0]
  return parts.map(({ group, columns }) => {
    const place = { group, node, source, first, before, columns }
    first += group.size
    before += group.size * columns
    return place
  })
}

function standing(group: Building): Building {
  let last = group
  while (last.into) last = last.into
  return last
}

function isBefore(parts: readonly Part[], group: Building, i: number): boolean {
  return parts.slice(0, i).some((part) => part.group === group)
}

/** Makes the same channels of two layers one group. */
function couple(kept: readonly Part[], gone: readonly Part[]): void {
  const alike =
    kept.length === gone.length &&
    kept.every(({ group, columns }, i) => group.size === gone[i]!.group.size && columns === gone[i]!.columns)
  if (!alike) {
    for (const { group } of [...kept, ...gone]) standing(group).fixed ??= 'coupled'
    return
  }
  for (const [i, { group }] of kept.entries()) merge(standing(group), standing(gone[i]!.group))
}

function merge(kept: Building, gone: Building): void {
  if (kept === gone) return
  append(kept.producers, gone.producers)
  append(kept.consumers, gone.consumers)
  append(kept.members, gone.members)
  kept.blocks = common(kept.blocks, gone.blocks)
  if (gone.fixed) kept.fixed ??= gone.fixed
  gone.into = kept
}
