import { expect } from 'chai'
import { runScript } from './child.js'

describe('the addon', () => {
  it('answers wrong arguments with errors and never ends the process', async () => {
    const { code, signal, stdout, stderr } = await runScript('fuzz.mjs')
    expect({ code, signal }, `${stdout.slice(-2000)}\n${stderr.slice(-4000)}`).to.deep.equal({
      code: 0,
      signal: null,
    })
    expect(JSON.parse(stdout)).to.deep.equal({ steps: 2, refused: true, accepted: true })
  })
})
