import { expect } from 'chai'
import { runScript } from './child.js'

interface Measured {
  readonly job: string
  readonly peak: number
  readonly held: number
}

describe('the memory of jobs over a layer of 64 MB, in multiples of it,', () => {
  let measured: readonly Measured[]
  before(async function () {
    // Sanitizers keep what is freed.
    if (process.env.LD_PRELOAD?.includes('asan')) this.skip()
    const { stdout, stderr } = await runScript('memory.ts')
    measured = stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Measured]))
    expect(
      measured.map(({ job }) => job),
      stderr,
    ).to.deep.equal(['load', 'prune', 'count'])
  })

  const within = (job: string, most: { peak: number; held: number }) => {
    const { peak, held } = measured.find((each) => each.job === job)!
    expect(peak, 'at most at once').to.be.below(most.peak)
    expect(held, 'after it').to.be.below(most.held)
  }
  // Loading: the file's tensor beside the parameter.
  it('is one copy while weights are loaded', () => within('load', { peak: 1.5, held: 0.5 }))
  // Pruning: the scores, and flags of a byte for each. The mask stays.
  it('is one of scores and flags while it is pruned', () => within('prune', { peak: 4.5, held: 1 }))
  it('is a part of a copy while its weights are counted', () => within('count', { peak: 1, held: 0.75 }))
})
