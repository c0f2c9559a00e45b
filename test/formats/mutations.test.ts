import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { runScript } from '../native/child.js'

describe('damaged files', () => {
  it('of every kind are refused or read, and never end the process', async () => {
    const note = join(tmpdir(), `torch-prune-damaged-${process.pid}.txt`)
    const seed = Date.now() % 2 ** 31
    const { code, signal, stdout, stderr } = await runScript(
      '../formats/mutations.ts',
      '30',
      String(seed),
      note,
    )
    expect({ code, signal }, `${stderr.slice(-4000)}\nat last: ${readFileSync(note)}`).to.deep.equal({
      code: 0,
      signal: null,
    })
    for (const [kind, read] of Object.entries(JSON.parse(stdout)))
      expect(read, kind).to.match(/^\d+ of 30 read$/)
  })
})
