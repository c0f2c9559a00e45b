import { expect } from 'chai'

import { TorchPruneError } from '../../lib/base/errors.js'

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

/** The error of work that must fail, which is ours and one line. */
export async function laterRefusal(work: PromiseLike<unknown>): Promise<TorchPruneError> {
  const error = await work.then(
    () => expect.fail('it was accepted'),
    (cause: unknown) => cause,
  )
  return refusal(() => {
    throw error
  })
}

/** The message of work that must fail with a code. */
export async function refusedWith(work: PromiseLike<unknown>, code = 'ERR_FILE'): Promise<string> {
  const error = await laterRefusal(work)
  expect(error.code).to.equal(code)
  return error.message
}
