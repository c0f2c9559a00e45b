import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { runScript } from './child.js'
import { addon, RIGHT } from './right_arguments.js'

describe('the addon', () => {
  it('exports what its TypeScript contract says', () => {
    expect(Object.keys(addon)).to.have.members(Object.keys(RIGHT))
  })

  it('answers wrong arguments with errors that have a code, and never ends the process', async () => {
    const file = join(tmpdir(), `torch-prune-misuse-${process.pid}.txt`)
    const seed = Date.now() % 2 ** 31
    const { code, signal, stdout, stderr } = await runScript('fuzz.ts', '2000', String(seed), file)
    const story = `${stdout.slice(-2000)}\n${stderr.slice(-4000)}\nthe last call: ${readFileSync(file)}`
    expect({ code, signal }, story).to.deep.equal({ code: 0, signal: null })
    expect(JSON.parse(stdout)).to.deep.equal({ steps: 2, right: true, refused: true, accepted: true })
  })
})
