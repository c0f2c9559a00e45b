import { expect } from 'chai'

import { TorchPruneError } from '../../lib/errors.js'

/** The error of an attempt that must fail, which is ours and one line. */
export function refusal(attempt: () => unknown): TorchPruneError {
  try {
    attempt()
  } catch (error) {
    if (!(error instanceof TorchPruneError)) throw error
    expect(error.message).to.match(/^[^\p{Cc}]+$/u)
    return error
  }
  return expect.fail('it was accepted')
}
