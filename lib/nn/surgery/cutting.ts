import { smallest } from '../../base/lists.js'
import { cat } from '../../tensor/combine.js'
import { tensor } from '../../tensor/from.js'
import { HeldTensors } from '../../tensor/held.js'
import { type Argument, invokeLater } from '../../tensor/invoke.js'
import { Tensor } from '../../tensor/tensor.js'
import { bufferShapes, isPrunable, type Parting, parameterShapes, parting } from '../cost.js'
import type { Node } from '../graph.js'
import type { ChannelGroup, Consumer } from './channels.js'
import type { Constants } from './constants.js'

// What happens to weights where channels go, or change their places. Work over all elements is a job.

/** A weight, and what stands beside it element by element. */
const WEIGHT = ['weight', 'weight_mask', 'weight_index']

/** Of each input or output channel of a weight, whether any connection of it is not 0. */
export async function anyAlive(
  weight: Tensor,
  { groups, inputsFirst }: Parting,
  side: 'inputs' | 'outputs',
): Promise<boolean[]> {
  const [first, second] = weight.shape as [number, number]
  using alive = Tensor.wrap(await invokeLater('ne.Scalar', weight, 0))
  using grouped = alive.reshape([groups, first / groups, second, -1])
  const other = (side === 'outputs') === inputsFirst ? 1 : 2
  using flags = Tensor.wrap(await invokeLater('any.dims', grouped, [other, 3]))
  using flat = flags.flatten()
  return (flat.toArray() as number[]).map(Boolean)
}

/** What channels that are constant add to each output of a consumer, in float64; `weight` has outputs first. */
export async function addedBy(
  channels: readonly number[],
  constant: Constants,
  consumer: Consumer,
  weight: Tensor,
  groups: number,
): Promise<Tensor> {
  using held = new HeldTensors()
  const later = async (operator: string, ...values: Argument[]) =>
    held.use(Tensor.wrap(await invokeLater(operator, ...values)))
  const [outputs, columns] = weight.shape as [number, number]
  const add = async (block: number) => {
    const own = channels.filter((c) => Math.floor(columnsOf(c, consumer)[0]! / columns) === block)
    const picked = own.flatMap((c) => columnsOf(c, consumer)).map((column) => column % columns)
    const factors = own.flatMap((c) => columnsOf(c, consumer).map(() => constant[c]!))
    const part = held.use(weight.narrow(0, (block * outputs) / groups, outputs / groups))
    const indices = held.use(tensor(picked, { dtype: 'int64' }))
    const rows = await later('to.dtype', await later('index_select', part, 1, indices), 'float64')
    const flat = held.use(rows.flatten(Math.min(2, rows.shape.length - 1)))
    const perColumn = weight.shape.length === 2 ? rows : await later('sum.dim_IntList', flat, [2])
    return later('mv', perColumn, held.use(tensor(factors, { dtype: 'float64' })))
  }
  return cat(await Promise.all(Array.from({ length: groups }, (_, block) => add(block))))
}

/**
 * Some places of a tensor along a dimension, in another order perhaps, counted on from each of equal blocks of rows to the
 * next.
 */
async function picked(
  values: Tensor,
  dim: 0 | 1,
  places: readonly number[],
  blocks: number,
): Promise<Tensor> {
  using held = new HeldTensors()
  const [rows, length] = [values.shape[0]! / blocks, values.shape[dim]!]
  const select = async (block: number) => {
    const own = places.filter((place) => Math.floor(place / length) === block)
    const left = own.map((place) => place - block * length)
    const part = blocks === 1 ? values : held.use(values.narrow(0, block * rows, rows))
    return Tensor.wrap(
      await invokeLater('index_select', part, dim, held.use(tensor(left, { dtype: 'int64' }))),
    )
  }
  if (blocks === 1) return await select(0)
  const parts = await Promise.all(Array.from({ length: blocks }, (_, block) => select(block)))
  return Tensor.wrap(
    await invokeLater(
      'cat',
      parts.map((part) => held.use(part)),
      0,
    ),
  )
}

/** Of so many places, those of a group's channels that stay, in their order, and all that belong to no channel of it. */
function placesLeft(count: number, first: number, own: number, left: readonly number[]): number[] {
  const others = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)
  return [...others(0, first), ...left, ...others(first + own, count)]
}

/**
 * Leaves some channels of a group, in the order in which they are given, in all tensors that have a place for each:
 * `tensors` by their names.
 */
export async function pickChannels(
  tensors: Map<string, Tensor>,
  { producers, consumers, members, size }: ChannelGroup,
  channels: readonly number[],
): Promise<void> {
  const pick = async (
    node: Node,
    parts: readonly string[],
    side: 'inputs' | 'outputs' | 'places',
    [first, own, left]: readonly [first: number, own: number, left: readonly number[]],
  ) => {
    const { groups, inputsFirst } = isPrunable(node) ? parting(node) : { groups: 1, inputsFirst: false }
    const isFirst = side === 'places' || (side === 'inputs') === inputsFirst
    // Along the second dimension, each group has channels of its own.
    const [dim, blocks] = isFirst ? ([0, 1] as const) : ([1, groups] as const)
    for (const part of parts) {
      const name = `${node.name}.${part}`
      const whole = tensors.get(name)
      if (whole === undefined) continue
      const places = placesLeft(blocks * whole.shape[dim]!, first, own, left)
      tensors.set(name, await picked(whole, dim, places, blocks))
      whole.dispose()
    }
  }
  for (const consumer of consumers) {
    const columns = channels.flatMap((c) => columnsOf(c, consumer))
    await pick(consumer.node, WEIGHT, 'inputs', [consumer.before, size * consumer.columns, columns])
  }
  for (const node of producers) {
    await pick(node, WEIGHT, 'outputs', [0, size, channels])
    await pick(node, ['bias'], 'places', [0, size, channels])
  }
  for (const { node, first } of members) {
    const shapes = [...parameterShapes(node.layer), ...bufferShapes(node.layer)]
    const own = shapes.flatMap(([part, shape]) => (shape.length > 0 ? [part] : []))
    const left = channels.map((c) => first + c)
    await pick(node, [...own, 'weight_mask', 'weight_index'], 'places', [first, size, left])
  }
}

/** As many channels of each of a group's blocks, the first ones of those that may go. */
export function balanced(gone: readonly number[], { size, blocks }: ChannelGroup): number[] {
  const blockOf = (channel: number) => Math.floor((channel * blocks) / size)
  const counts = Array.from({ length: blocks }, () => 0)
  for (const channel of gone) counts[blockOf(channel)]!++
  const each = smallest(counts)
  const taken = counts.map(() => 0)
  return gone.filter((channel) => taken[blockOf(channel)]!++ < each)
}

/** The inputs of a consumer's weight that a channel of its group has. */
export function columnsOf(channel: number, { before, columns }: Consumer): number[] {
  return Array.from({ length: columns }, (_, i) => before + channel * columns + i)
}

/** Of each channel of a group, whether a connection of a consumer leads out of it. */
export function channelsAlive(columns: readonly boolean[], consumer: Consumer, size: number): boolean[] {
  return Array.from({ length: size }, (_, c) => columnsOf(c, consumer).some((column) => columns[column]))
}

/** The constants of a group's channels, among those of what a consumer reads. */
export function constantsOf(
  constants: ReadonlyMap<string, Constants>,
  { source, first }: Consumer,
  size: number,
): Constants {
  return constants.get(source)!.subarray(first, first + size)
}
