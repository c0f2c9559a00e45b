import { expect } from 'chai'
import { freePort, variablesOf } from '../../lib/distributed/launcher.js'
import { foundBy, member, together } from './members.js'
import type { Given } from './tasks.js'

interface Found {
  readonly losses: readonly number[]
  readonly errors: readonly number[]
  readonly density: number
  readonly weights: Readonly<Record<string, readonly number[]>>
  readonly shares?: boolean
  readonly code?: string
  readonly message?: string
}

/** Expects that a process came to the same weights and masks as another one, to rounding. */
function expectAlike(found: Found, one: Found): void {
  expect(found.message).to.equal(undefined)
  for (const [name, values] of Object.entries(one.weights)) {
    const others = found.weights[name]!
    for (const [i, value] of values.entries()) {
      expect(others[i], `${name}[${i}]`).to.be.closeTo(value, 1e-5)
      expect(others[i] === 0, `${name}[${i}] is pruned`).to.equal(value === 0)
    }
  }
  for (const [i, loss] of one.losses.entries()) expect(found.losses[i]).to.be.closeTo(loss, 1e-6)
  expect(found.errors).to.deep.equal(one.errors)
  expect(found.density).to.equal(one.density)
}

describe('processes that train together', () => {
  it('come to the weights and the masks of one process with their batches', async () => {
    const [one] = await together<Found>(1, 'prune')
    const both = await together<Found>(2, 'prune')
    for (const each of both) expectAlike(each, one!)
    expect(both[1]!.weights).to.deep.equal(both[0]!.weights)
  })

  it('share batches that do not divide, and a last one with fewer samples than processes', async () => {
    // Batches of 10, 10, … and one of 2, in which the last of three processes has no sample.
    const given = { samples: 92, batchSize: 10 }
    const [one] = await together<Found>(1, 'prune', given)
    for (const each of await together<Found>(3, 'prune', given)) expectAlike(each, one!)
  })

  it('have the same weights and running statistics, those of rank 0', async () => {
    const [first, second] = await together<Record<string, string>>(2, 'statistics')
    expect(Object.keys(first!)).to.include.members(['bn.running_mean', 'fc.weight'])
    expect(second).to.deep.equal(first)
  })

  it('exchange gradients in parts while backward goes on', async () => {
    for (const accumulate of [1, 3]) {
      const [one] = await together<Found>(1, 'wide', { accumulate })
      for (const each of await together<Found>(3, 'wide', { accumulate })) expectAlike(each, one!)
    }
  })

  it('sum in memory that they share, if all may, and come to the same bits as by Gloo', async () => {
    const [shared] = await together<Found>(2, 'wide')
    expect(shared!.shares).to.equal(true)
    const withoutIt = [
      [false, false],
      [true, false],
    ]
    for (const sharedMemory of withoutIt) {
      for (const each of await together<Found>(2, 'wide', { sharedMemory }))
        expect(each).to.deep.equal({ ...shared, shares: false })
    }
  })

  it('normalize by the samples of all, with syncBatchNorm', async () => {
    const cases: Given[] = [
      {},
      { samples: 25, batchSize: 7, accumulate: 2 },
      // Batches in which no label of a process counts.
      { samples: 27, batchSize: 3, ignoreIndex: 1 },
    ]
    for (const given of cases) {
      const [one] = await together<Record<string, string>>(1, 'statistics', given)
      for (const each of await together<Record<string, string>>(3, 'statistics', {
        ...given,
        syncBatchNorm: true,
      })) {
        for (const [name, values] of Object.entries(one!)) {
          const others = each[name]!.split(',').map(Number)
          for (const [i, value] of values.split(',').map(Number).entries())
            expect(others[i], `${name}[${i}]`).to.be.closeTo(value, 1e-4)
        }
      }
    }
  })

  it('refuse batches that have no sample for each, with syncBatchNorm', async () => {
    const given = { samples: 25, batchSize: 12, syncBatchNorm: true }
    for (const { code, message } of await together<Found>(2, 'statistics', given)) {
      expect(code).to.equal('ERR_ARGUMENT')
      expect(message).to.match(
        /^syncBatchNorm needs a sample of each batch .* has 1: give dropLast, or another batchSize$/,
      )
    }
  })

  it('leave out the same steps in float16', async () => {
    const [first, second] = await together<Found>(2, 'half')
    expect(first!.message).to.equal(undefined)
    expect(second).to.deep.equal(first)
    expect(first!.losses.at(-1)).to.be.below(first!.losses[0]!)
  })

  it('save when it is time for the first of them', async () => {
    for (const background of [false, true]) {
      const [first, second] = await together<number[]>(2, 'saves', { background })
      expect(first).to.deep.equal([3, 0])
      expect(second).to.deep.equal([])
    }
  })

  it('refuse batches that have no sample for each', async () => {
    for (const { code, message } of await together<Found>(2, 'prune', { batchSize: 1 })) {
      expect(code).to.equal('ERR_ARGUMENT')
      expect(message).to.equal('batchSize is that of all 2 processes together: it must be 2 or more, got 1')
    }
  })

  it('are told what differs between them', async () => {
    const port = await freePort()
    const ended = await Promise.all([
      member('prune', { batchSize: 12 }, variablesOf(0, 2, port)),
      member('prune', { batchSize: 16 }, variablesOf(1, 2, port)),
    ])
    for (const { code, message } of ended.map((each) => foundBy<Found>(each))) {
      expect(code).to.equal('ERR_GROUP')
      expect(message).to.match(/^rank 1 has another batchSize than rank 0 \(16, not 12\): start all/)
    }
  })
})
