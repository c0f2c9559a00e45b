import { isObject } from '../base/collection.js'
import { TorchPruneError } from '../base/errors.js'
import { type Kind, wrongValue } from '../base/kind.js'
import { product } from '../base/lists.js'
import { group, made } from '../base/option.js'
import { shown } from '../base/shown.js'
import { suggestion } from '../base/spelling.js'
import type { AnyNetwork } from '../nn/any_network.js'
import { isPrunable, parting } from '../nn/cost.js'
import { type Score, scoreKinds } from './score/index.js'
import type { MagnitudeScore } from './score/magnitude.js'
import type { DensitySelection } from './select/density.js'
import type { GlobalSelection } from './select/global.js'
import { checkSelection, kindOf, layersIn, type Selection, selectionKinds } from './select/index.js'
import { layersOption, type Pair, type SelectedLayer } from './select/selection.js'

/**
 * Decides which weights to prune: a score ranks them, and a selection says how many stay. It consists of plain values,
 * so that recipes can hold it. `Name` carries the names of layers: for a network that lacks one of them, the criterion
 * does not compile.
 */
export type Criterion<Name extends string = string> = Pair<Score, Selection<Name>>

/** A criterion that splicing can use: the largest weights, a share of each layer or of all layers together. */
export type SpliceCriterion<Name extends string = string> = Pair<
  MagnitudeScore,
  DensitySelection<Name> | GlobalSelection<Name>
>

const scoreKind = made<Score>({
  kinds: Object.fromEntries(Object.entries(scoreKinds).map(([name, { options }]) => [name, options])),
  makers: ['criteria.magnitude()', 'another score'],
})

const selectionKind = made<Selection>({
  kinds: Object.fromEntries(
    Object.entries(selectionKinds).map(([name, { given, options }]) => [
      name,
      { ...given, ...options, ...layersOption },
    ]),
  ),
  makers: ['.deviation(1)', '.density(0.1)', '.global(0.1)', '.nm(2, 4)', '.filters(0.5)'],
  check: checkSelection,
})

export const criterionOptions = {
  /** The score, which ranks weights. */
  score: scoreKind,
  /** The selection, which says how many of them stay. */
  select: selectionKind,
}
const parts = group(criterionOptions)
const expected =
  'what criteria.magnitude().deviation(1), criteria.fisher().global(0.1) or another criterion returns'

/** A criterion as an option. */
export const criterionKind: Kind<Criterion> = {
  ...parts,
  expected,
  fits: (value) => isObject(value) || typeof value === 'function',
  read(value, name) {
    if (typeof value === 'function') {
      throw new TorchPruneError('ERR_ARGUMENT', `${name} must be ${expected}, got ${shown(value)}: call it`)
    }
    if (!isObject(value)) throw wrongValue(name, expected, value)
    if (isObject(value.score) && value.select === undefined && 'global' in value) {
      throw new TorchPruneError(
        'ERR_ARGUMENT',
        `${name} ranks weights, but does not say how many stay: add .global(0.1), or another selection`,
      )
    }
    return parts.read(value, name)
  },
}

/**
 * The layers that a criterion prunes.
 *
 * @throws TorchPruneError `ERR_ARGUMENT` for a kind of layer that the network does not have.
 */
export function layersOf(network: AnyNetwork, { select }: Criterion): readonly string[] {
  const layers = layersIn(select)
  if (typeof layers !== 'string') return layers ?? network.prunable
  const names = network.costs.filter(({ kind }) => kind === layers).map(({ name }) => name)
  if (names.length > 0) return names
  throw new TorchPruneError('ERR_ARGUMENT', `the network has no ${layers} layers to prune: leave layers out`)
}

/** Layers with the sizes of their weights. */
export function selectedLayers(network: AnyNetwork, names: readonly string[]): SelectedLayer[] {
  const shapes = new Map<string, readonly number[]>(
    network.tensorShapes().map(([name, { shape }]) => [name, shape]),
  )
  const nodes = network.nodes.filter(isPrunable)
  return names.map((name) => {
    const [first = 1, second = 1, ...kernel] = shapes.get(`${name}.weight`)!
    const weights = first * second * product(kernel)
    const { groups, inputsFirst } = parting(nodes.find((node) => node.name === name)!)
    const [filters, inputs] = inputsFirst ? [second * groups, first / groups] : [first, second]
    return { name, weights, filters, inputs }
  })
}

/** Throws `ERR_ARGUMENT` if a criterion names a layer that does not exist, or cannot choose in one. */
export function checkCriterion(network: AnyNetwork, criterion: Criterion): void {
  const prunable: readonly string[] = network.prunable
  const layers = layersOf(network, criterion)
  for (const name of layers) {
    if (prunable.includes(name)) continue
    const what = Object.hasOwn(network.layers, name)
      ? 'has no connections to prune'
      : `is not in the network${suggestion(name, prunable)}`
    throw new TorchPruneError('ERR_ARGUMENT', `layer '${name}' ${what}: it has ${prunable.join(', ')}`)
  }
  const { select } = criterion
  kindOf(select).checkLayers?.(select, selectedLayers(network, layers))
}
