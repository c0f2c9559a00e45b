import { z } from 'zod'
import { list } from '../base/collection.js'
import { type Kind, number, text } from '../base/kind.js'
import { group, type OptionsOf, optional, type ReadOf } from '../base/option.js'

const percent = number({ least: 0, most: 100 })
const share = number({ least: 0, most: 1 })
const amount = number({ least: 0 })

export const paperLayerOptions = {
  /** As in the network. */
  name: text,
  /** Weights of the dense layer. */
  weights: amount,
  /** Of the dense layer for one sample; a multiply-add counts as 2. */
  flop: amount,
  /** Share of the layer's outputs that are not zero. */
  activationDensity: share,
  /** Share of the weights that is kept. */
  density: share,
  /** Share of `flop` that is left. */
  flopShare: share,
}

export const paperErrorOptions = {
  /** Percent. */
  top1Error: percent,
  /** Percent. */
  top5Error: optional(percent),
}

export const paperReferenceOptions = {
  ...paperErrorOptions,
  /** Weights and biases. */
  parameters: amount,
}

export const paperPrunedOptions = {
  ...paperReferenceOptions,
  /** How many times fewer parameters than the dense network has. */
  compression: amount,
}

export const paperOptions = {
  /** The dense network. */
  reference: group(paperReferenceOptions),
  /** The pruned and retrained one. */
  pruned: group(paperPrunedOptions),
  /** The network's layers in order. */
  layers: list(group(paperLayerOptions), 'an array of the layers in the table'),
}

/** A layer in one of the paper's tables; shares in 0..1. */
export interface PaperLayer extends OptionsOf<typeof paperLayerOptions> {}

export interface PaperErrors extends OptionsOf<typeof paperErrorOptions> {}

/** What the paper reports of a network. Errors are percent. */
export interface PaperTable extends OptionsOf<typeof paperOptions> {}

export const paperKind: Kind<ReadOf<typeof paperOptions>, PaperTable> = group(paperOptions)

/** A table as it comes from a record. */
export const paperTable = z.custom<PaperTable>((value) => {
  try {
    paperKind.read(value, 'paper')
    return true
  } catch {
    return false
  }
}, 'expected the table of a paper')
