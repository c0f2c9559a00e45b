import { smallest } from '../../base/lists.js'
import type { Parting } from '../../nn/cost.js'
import { cat } from '../../tensor/combine.js'
import { tensor } from '../../tensor/from.js'
import { HeldTensors } from '../../tensor/held.js'
import { type Argument, invokeLater } from '../../tensor/invoke.js'
import { Tensor } from '../../tensor/tensor.js'
import type { ChannelGroup, Consumer } from './channels.js'
import type { Constants } from './constants.js'

// What Shrinking does to one weight. Work over all of its elements is a job.

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

/** A tensor without some places along a dimension, counted on from each of equal blocks of rows to the next. */
export async function without(
  values: Tensor,
  dim: 0 | 1,
  away: ReadonlySet<number>,
  blocks: number,
): Promise<Tensor> {
  using held = new HeldTensors()
  const [rows, length] = [values.shape[0]! / blocks, values.shape[dim]!]
  const select = async (block: number) => {
    const left = Array.from({ length }, (_, i) => i).filter((i) => !away.has(block * length + i))
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
