/** A layer in one of the paper's tables; shares in 0..1. */
export interface PaperLayer {
  readonly name: string
  readonly weights: number
  readonly flop: number
  readonly activationDensity: number
  readonly density: number
  readonly flopShare: number
}

export interface PaperErrors {
  readonly top1Error: number
  readonly top5Error?: number | undefined
}

/** What the paper reports of a network. Errors are percent. */
export interface PaperTable {
  readonly reference: PaperErrors & { readonly parameters: number }
  readonly pruned: PaperErrors & { readonly parameters: number; readonly compression: number }
  readonly layers: readonly PaperLayer[]
}
