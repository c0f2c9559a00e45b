import { rmSync } from 'node:fs'
import { expect } from 'chai'
import { loadWeights } from '../../lib/nn/weights_file.js'
import type { PruneOptions } from '../../lib/prune/options.js'
import { prune } from '../../lib/prune/prune.js'
import { criteria } from '../../lib/prune/score/index.js'
import { readNote } from '../../lib/train/training_file.js'
import { freshFolder } from '../support/folder.js'
import { bitsOf, dataset, settings, small, upTo, validation } from './checkpoint_toy.js'

const box = freshFolder()

describe('pruning that is saved on the way', function () {
  this.timeout(60_000)
  const splits = { train: dataset, validation }
  const options: PruneOptions<'conv' | 'fc1' | 'fc2'> = {
    criterion: criteria.magnitude().density({ conv: 0.5, fc1: 0.2, fc2: 0.5 }),
    rounds: 2,
    phases: ['fc', 'conv'],
    retrain: { ...settings, epochs: 2, distillation: { weight: 0.5 }, cachePrefix: true, cacheVariants: 2 },
    seed: 7,
  }

  it('goes on in the round and the phase in which it was stopped, to the same bits', async () => {
    using unbroken = small()
    const rounds: unknown[] = []
    const told = ({ seconds: _, ...round }: { seconds: number }) => round
    const { initialDeviations } = await prune(unbroken, splits, options)
    for await (const round of prune(small(), splits, options)) rounds.push(told(round))
    for (const every of [2, 7, 11, 26]) {
      rmSync(box('position.safetensors'), { force: true })
      const seen: unknown[] = []
      let weights: string | undefined
      let after: PruneOptions['after'] | undefined
      const pruned: string[] = []
      for (let over = false; !over; ) {
        using net = small()
        // The dense network teaches.
        const { teacher } = { teacher: small() }
        if (weights) await loadWeights(net, weights)
        over = await upTo(every, box('position.safetensors'), async (signal, checkpoint) => {
          const retrain = { ...options.retrain, distillation: { weight: 0.5, teacher } }
          const job = prune(net, splits, {
            ...{ ...options, retrain, signal, checkpoint },
            after,
            onPruned: (round, _, { index }) => void pruned.push(`${round}.${index}`),
          })
          for await (const round of job) {
            seen.push(told(round))
            weights = box(`round-${round.round}.safetensors`)
            await net.save(weights)
            after = { round: round.round, initial: initialDeviations }
          }
        })
        if (over) expect(bitsOf(net) === bitsOf(unbroken), `stopped every ${every} steps`).to.equal(true)
      }
      expect(seen).to.deep.equal(rounds)
      expect(pruned).to.deep.equal(['1.0', '1.1', '2.0', '2.1'])
    }
    expect(await readNote(box('position.safetensors'))).to.include({ round: 2, phase: 1 })
  })
})
