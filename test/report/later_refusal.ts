import { expect } from 'chai'
import type { TorchPruneError } from '../../lib/errors.js'
import { refusal } from '../support/refusal.js'

/** The error of work that must fail, which is ours and one line. */
export async function laterRefusal(work: Promise<unknown>): Promise<TorchPruneError> {
  const error = await work.then(
    () => expect.fail('it was accepted'),
    (cause: unknown) => cause,
  )
  return refusal(() => {
    throw error
  })
}
