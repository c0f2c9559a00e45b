import { TorchPruneError } from '../base/errors.js'

/** Rejects a coded file: what is wrong, and at which of its bytes. Throws `ERR_FILE`. */
export function damaged(what: string, at: number): never {
  throw new TorchPruneError('ERR_FILE', `the coded file has ${what} at byte ${at}; fetch or write it again`)
}
