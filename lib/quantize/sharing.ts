import { TorchPruneError } from '../base/errors.js'
import { suggestion } from '../base/spelling.js'
import { loadAddon } from '../binding/addon.js'
import type { NativeMask } from '../binding/native.js'
import { runJob } from '../binding/native_job.js'
import type { AnyNetwork } from '../nn/any_network.js'
import { HeldTensors } from '../tensor/held.js'

/** How many values each layer shares, by name; layers that are not there keep a value for each weight. */
export type ValuesByLayer = ReadonlyMap<string, number>

/** One number for all layers, or by name or kind. */
type Choice = number | Readonly<Record<string, number | undefined>>

/**
 * What a choice says of each layer: by its name first, then by its kind.
 *
 * @throws TorchPruneError `ERR_ARGUMENT` for a name that no layer with weights has.
 */
export function chosenBy(network: AnyNetwork, choice: Choice, option: string): ValuesByLayer {
  const { costs } = network
  if (typeof choice === 'number') return new Map(costs.map(({ name }) => [name, choice]))
  const known = [...costs.map(({ name }) => name), ...new Set(costs.map(({ kind }) => kind))]
  const unknown = Object.keys(choice).find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `quantize: ${option} names '${unknown}', which is no layer with weights${suggestion(unknown, known)}: use ${known.join(', ')}`,
    )
  }
  const found = new Map<string, number>()
  for (const { name, kind } of costs) {
    const value = choice[name] ?? choice[kind]
    if (value !== undefined) found.set(name, value)
  }
  return found
}

/** Gives weights values to share, at once: all layers or none. */
export async function share(network: AnyNetwork, values: ValuesByLayer, signal?: AbortSignal): Promise<void> {
  const layers = [...values].map(([name, count]) => ({ name: `${name}.weight`, values: count }))
  await runJob(() => loadAddon().quantizeShare(network.handle, layers), signal)
}

/** Does something to the weight of a layer, and puts it back as it was, with what ties it down. */
export async function undoing<Result>(
  network: AnyNetwork,
  layer: string,
  work: () => Promise<Result>,
): Promise<Result> {
  using held = new HeldTensors()
  const name = `${layer}.weight`
  const before = held.use((await network.snapshot([name])).get(name)!)
  const mask = network.mask(layer)
  const codebook = network.codebook(layer)
  for (const tensor of [mask, codebook?.index, codebook?.values]) if (tensor) held.use(tensor)
  const kind = codebook ? 'codebook' : mask ? 'sealed' : 'none'
  const tied: NativeMask = { name, kind, keep: (codebook?.index ?? mask)?.handle }
  try {
    return await work()
  } finally {
    await network.put([[name, before]], [tied])
  }
}
