/** Tells programs what went wrong. Codes are stable across releases, unlike messages. */
export type ErrorCode =
  | 'ERR_ARGUMENT' // a value that no call accepts: wrong type, out of range, unknown name
  | 'ERR_SHAPE' // shapes that do not match each other
  | 'ERR_DTYPE' // dtypes that do not match each other
  | 'ERR_DEVICE' // a device that does not exist, or tensors on different devices
  | 'ERR_DISPOSED' // a tensor, network or dataset used after dispose()
  | 'ERR_BUSY' // a network or tensor that is owned by a running job
  | 'ERR_FILE' // a file that is missing, unreadable, or not what it claims to be
  | 'ERR_OUTPUT' // a place that cannot be written
  | 'ERR_SEAL' // a pruned weight whose bits are not +0
  | 'ERR_LIBTORCH' // libtorch or the addon is missing or incompatible
  | 'ERR_GROUP' // processes that train together and do not reach each other, differ, or have lost one
  | 'ERR_MEMORY' // a failed allocation
  | 'ERR_TORCH' // anything else that libtorch rejects

/**
 * Every error that this library throws on purpose. The message is one line that says what, where, and how to fix it.
 */
export class TorchPruneError extends Error {
  override readonly name = 'TorchPruneError'

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/** Throws `ERR_ARGUMENT`, naming the first value that is not a whole number of 1 or more. */
export function checkCounts(counts: Readonly<Record<string, number>>): void {
  for (const [what, value] of Object.entries(counts)) {
    if (Number.isInteger(value) && value >= 1) continue
    throw new TorchPruneError('ERR_ARGUMENT', `${what} must be a whole number of 1 or more, got ${value}`)
  }
}
