import { TorchPruneError } from '../../base/errors.js'
import { whole } from '../../base/kind.js'
import type { Carried } from '../../nn/layers/index.js'
import type { AnyScore } from '../score/score.js'
import type { InLayers, LayersOption, Pair, SelectionKind } from './selection.js'

/** Keeps `n` of every `m` weights in a row. */
export interface NmSelection<Name extends string = string> extends InLayers<Name> {
  readonly kind: 'nm'
  readonly n: number
  readonly m: number
}

export interface SelectsNm<By extends AnyScore> {
  /**
   * Keeps the `n` largest of every `m` weights in a row, along a layer's inputs: of `m` inputs of one output in a fully
   * connected layer, of `m` input channels at one place of one filter in a convolution. Inference of 2:4 runs in half
   * the work on NVIDIA's sparse tensor cores. Where less than `n` of a group are left, they stay. Over several rounds
   * more than `n` stay first, as densities come down. A neuron that is removed later (`removeDeadNeurons()`, `shrink`)
   * moves the inputs after it into other groups.
   *
   * Each layer needs a number of inputs (channels of a group, in a convolution) that `m` divides: name those that have,
   * with `layers`.
   *
   * @example criteria.magnitude().nm(2, 4, { layers: ['fc1', 'fc2'] })
   */
  nm<const Given extends Name = never, Name extends string = string>(
    n: number,
    m: number,
    options?: LayersOption<Given>,
  ): Pair<By, NmSelection<Carried<Given, Name>>>
}

/** Within int8, in which the addon counts places. */
const LARGEST = 64

export const nmGiven = {
  /** How many of each group stay. */
  n: whole(1, LARGEST),
  /** How many weights in a row are a group. */
  m: whole(1, LARGEST),
}

export const nm: SelectionKind<NmSelection> = {
  given: nmGiven,
  options: {},
  check({ n, m }, name) {
    if (n <= m) return
    throw new TorchPruneError('ERR_ARGUMENT', `${name}: n must not be over m, got ${n} of ${m}`)
  },
  checkLayers({ n, m }, layers) {
    const wrong = layers.find(({ inputs }) => inputs % m !== 0)
    if (wrong === undefined) return
    const fitting = layers.filter(({ inputs }) => inputs % m === 0).map(({ name }) => `'${name}'`)
    const fix = fitting.length > 0 ? `name others, as in layers: [${fitting.join(', ')}]` : 'choose another m'
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `${n}:${m} needs a multiple of ${m} inputs: layer '${wrong.name}' has ${wrong.inputs}; ${fix}`,
    )
  },
  plan: ({ n, m }, _, ease) => ({
    kind: 'nm',
    keep: Math.max(n, Math.round(ease(n / m) * m)),
    of: m,
  }),
}
