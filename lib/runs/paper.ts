import { z } from 'zod'

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

const errors = { top1Error: z.number(), top5Error: z.number().optional() }

/** A table as it comes from outside. */
export const paperTable: z.ZodType<PaperTable> = z.strictObject({
  reference: z.strictObject({ ...errors, parameters: z.number() }),
  pruned: z.strictObject({ ...errors, parameters: z.number(), compression: z.number() }),
  layers: z.array(
    z.strictObject({
      name: z.string(),
      weights: z.number(),
      flop: z.number(),
      activationDensity: z.number().min(0).max(1),
      density: z.number().min(0).max(1),
      flopShare: z.number().min(0).max(1),
    }),
  ),
})
