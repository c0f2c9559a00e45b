import type { ClusteredWeights, QuantizedNetwork, RoundedWeights } from '../quantize/progress.js'
import { formatCount, formatPercent } from '../report/format.js'

/** The values that weights were given to share. */
export function clusteredText({ values, validationErrorBefore, validationError }: ClusteredWeights): string {
  const counts = Object.entries(values).map(([layer, count]) => `${layer} ${count}`)
  const errors = `${formatPercent(validationErrorBefore)} → ${formatPercent(validationError)}`
  return `values  ${counts.join(', ')}  validation error ${errors}`
}

/** What rounding to int8 did. */
export function roundedText({ validationErrorBefore, validationError }: RoundedWeights): string {
  const errors = `${formatPercent(validationErrorBefore)} → ${formatPercent(validationError)}`
  return `int8  validation error ${errors}`
}

/** What quantization came to. */
export function quantizedSummary({
  bytes,
  validationErrorClustered,
  validationError,
}: QuantizedNetwork): string {
  const errors = `${formatPercent(validationErrorClustered)} → ${formatPercent(validationError)}`
  return `${formatCount(Math.ceil(bytes))} bytes  validation error ${errors}`
}
