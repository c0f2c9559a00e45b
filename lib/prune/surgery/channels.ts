import { append } from '../../base/lists.js'
import type { Node } from '../../nn/graph.js'

/**
 * Where channels flow. Layers whose outputs have the same channels form a group: what a convolution or a fully
 * connected layer puts out, with all that passes it on, and with everything a residual sum couples to it. A
 * channel can be removed from a whole group or not at all.
 */
export interface ChannelGroup {
  readonly size: number
  /** Layers with connections whose rows are the group's channels. */
  readonly producers: readonly Node[]
  /** Layers with connections that read the group. */
  readonly consumers: readonly Consumer[]
  /** Batch normalisations inside. */
  readonly norms: readonly Node[]
  /** Why no channel may go, if so. `neighbours`: a local response normalisation, which counts channels. */
  readonly fixed?: Fixed
}

type Fixed = 'input' | 'output' | 'groups' | 'neighbours'

export interface Consumer {
  readonly node: Node
  /** What it reads: `'input'` or a layer. */
  readonly source: string
  /** Columns a channel has in its weight: its pixels, behind a flatten. */
  readonly columns: number
}

interface Building {
  size: number
  producers: Node[]
  consumers: Consumer[]
  norms: Node[]
  fixed?: Fixed
  into?: Building
}

/** The groups of a network. `input` is the shape of one sample. */
export function channelGroups(input: readonly number[], nodes: readonly Node[]): ChannelGroup[] {
  const all: Building[] = []
  const groups = new Map<string, Building>()
  const pixels = new Map<string, number>([['input', 1]])
  const shapes = new Map<string, readonly number[]>([['input', input]])
  const fresh = (size: number): Building => {
    const group: Building = { size, producers: [], consumers: [], norms: [] }
    all.push(group)
    return group
  }
  const groupOf = (name: string): Building => {
    let group = groups.get(name)!
    while (group.into) group = group.into
    return group
  }
  const entry = fresh(input[0]!)
  entry.fixed = 'input'
  groups.set('input', entry)
  for (const node of nodes) {
    const { name, layer, inputs, shape } = node
    const source = inputs[0]!
    shapes.set(name, shape)
    if (layer.kind === 'linear' || layer.kind === 'conv2d') {
      const read = groupOf(source)
      read.consumers.push({ node, source, columns: pixels.get(source)! })
      const written = fresh(shape[0]!)
      written.producers.push(node)
      if (layer.kind === 'conv2d' && layer.groups > 1) {
        read.fixed ??= 'groups'
        written.fixed = 'groups'
      }
      groups.set(name, written)
      pixels.set(name, 1)
      continue
    }
    for (const other of inputs.slice(1)) merge(groupOf(source), groupOf(other))
    const group = groupOf(source)
    if (layer.kind === 'batchNorm2d') group.norms.push(node)
    if (layer.kind === 'localResponseNorm') group.fixed ??= 'neighbours'
    groups.set(name, group)
    const spread =
      layer.kind === 'flatten'
        ? shapes
            .get(source)!
            .slice(1)
            .reduce((a, b) => a * b, 1)
        : 1
    pixels.set(name, pixels.get(source)! * spread)
  }
  groupOf(nodes.at(-1)!.name).fixed ??= 'output'
  return all.filter((group) => group.into === undefined)
}

function merge(kept: Building, gone: Building): void {
  if (kept === gone) return
  append(kept.producers, gone.producers)
  append(kept.consumers, gone.consumers)
  append(kept.norms, gone.norms)
  if (gone.fixed) kept.fixed ??= gone.fixed
  gone.into = kept
}
