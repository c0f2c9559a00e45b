import { z } from 'zod'
import { list } from '../base/collection.js'
import { type Kind, number, text } from '../base/kind.js'
import { group, type OptionsOf, optional, type ReadOf } from '../base/option.js'

const percent = number({ least: 0, most: 100 })
const share = number({ least: 0, most: 1 })
const amount = number({ least: 0 })

/** The fields of a layer in a paper's table. */
export const paperLayerOptions = {
  /** The name of the layer in the network. */
  name: text,
  /** The number of weights in the dense layer. */
  weights: amount,
  /** The operations of the dense layer for one sample; a multiply-add counts as 2. */
  flop: amount,
  /** The share of the layer's outputs that are not zero. */
  activationDensity: share,
  /** The share of the weights that is kept. */
  density: share,
  /** The share of `flop` that remains. */
  flopShare: share,
}

/** The errors in a paper's table. */
export const paperErrorOptions = {
  /** The top-1 error in percent. */
  top1Error: percent,
  /** The top-5 error in percent. */
  top5Error: optional(percent),
}

/** The fields of the dense network in a paper's table. */
export const paperReferenceOptions = {
  ...paperErrorOptions,
  /** The number of weights and biases. */
  parameters: amount,
}

/** The fields of the pruned network in a paper's table. */
export const paperPrunedOptions = {
  ...paperReferenceOptions,
  /** The dense network's number of parameters divided by that of this one. */
  compression: amount,
}

/** The fields of a paper's table. */
export const paperOptions = {
  /** The dense network. */
  reference: group(paperReferenceOptions),
  /** The pruned and retrained network. */
  pruned: group(paperPrunedOptions),
  /** The network's layers, in order. */
  layers: list(group(paperLayerOptions), 'an array of the layers in the table'),
}

/** A layer in one of the paper's tables; shares are in 0..1. */
export interface PaperLayer extends OptionsOf<typeof paperLayerOptions> {}

/** The errors of a network in the paper, in percent. */
export interface PaperErrors extends OptionsOf<typeof paperErrorOptions> {}

/** What the paper reports about a network. Errors are in percent. */
export interface PaperTable extends OptionsOf<typeof paperOptions> {}

/** A paper's table as an option. */
export const paperKind: Kind<ReadOf<typeof paperOptions>, PaperTable> = group(paperOptions)

/** The schema of a table in a run's record. */
export const paperTable = z.custom<PaperTable>((value) => {
  try {
    paperKind.read(value, 'paper')
    return true
  } catch {
    return false
  }
}, 'expected the table of a paper')
