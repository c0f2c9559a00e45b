import { expect } from 'chai'
import { runScriptUnder } from './child.js'

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
    // What malloc keeps for later, which varies from run to run, would count as the jobs': up to 32 MB at the end
    // of each thread's heap. Blocks of 1 MB or more come from the system and go back to it at once.
    const malloc = { GLIBC_TUNABLES: 'glibc.malloc.mmap_threshold=1048576' }
    const { stdout, stderr } = await runScriptUnder(malloc, 'memory.ts')
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
  it('is one copy while weights are loaded', () => within('load', { peak: 1.5, held: 0.2 }))
  // Pruning: the scores, and flags of a byte for each. The mask stays.
  it('is one of scores and flags while it is pruned', () => within('prune', { peak: 3.5, held: 0.5 }))
  // Counting: parts of a copy, as doubles.
  it('is a part of a copy while its weights are counted', () => within('count', { peak: 0.8, held: 0.2 }))
})
