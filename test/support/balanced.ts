import { expect } from 'chai'

import { memory } from '../../lib/tensor/scope.js'

/**
 * A test that must leave as many live tensors as it found. It is synchronous: only between turns of the event
 * loop does the collector's work on what other tests forgot show in the count.
 */
export function balanced(body: (liveBefore: number) => void): () => void {
  return () => {
    const before = memory.liveTensors()
    body(before.tensors)
    expect(memory.liveTensors()).to.deep.equal(before)
  }
}
