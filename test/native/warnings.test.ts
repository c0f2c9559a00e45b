import { expect } from 'chai'
import { runScript } from './child.js'

describe("libtorch's warnings", () => {
  it('reach process.emitWarning once each, from jobs and worker threads too, and never stderr', async () => {
    const { code, stdout, stderr } = await runScript('warnings.mjs')
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
    const said = [
      'An output with one or more elements was resized',
      'cold (main thread)',
      'cold (compute thread)',
    ]
    const expected = ['main', 'worker'].flatMap((where) =>
      said.map((text) => `${where}: TorchPruneWarning: ${text}`),
    )
    const atTheEnd = ['main', 'compute'].map(
      (thread) => `main: TorchPruneWarning: at the end (${thread} thread)`,
    )
    expect(stdout.split('\n').slice(0, -1)).to.have.members([...expected, ...atTheEnd])
  })
})
