import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { PACKAGE } from '../../lib/install/home.js'
import { linear } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { tensor } from '../../lib/tensor/from.js'

const folder = mkdtempSync(join(tmpdir(), 'torch-prune-coded-example-'))

/** The bytes of the examples on the page about the format, in their order. */
function examples(): string[] {
  const page = readFileSync(join(PACKAGE, 'docs/coded-format.md'), 'utf8')
  return [...page.matchAll(/```\n((?:[\da-f]{2}\s)+)```/g)].map(([, bytes]) => bytes!.replace(/\s/g, ''))
}

describe('the page about coded files', () => {
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('shows the bytes that are written', async () => {
    using net = network([3], { fc: linear(3, 2) })
    const weight = tensor([
      [0.5, 0, 0],
      [0, -1, 0.5],
    ])
    await net.put([
      ['fc.weight', weight],
      ['fc.bias', tensor([0, 0.25])],
    ])
    await net.setMask('fc', weight.ne(0))
    const written: string[] = []
    for (const profile of ['huffman', 'compact'] as const) {
      await net.export(join(folder, 'example.tpz'), { profile })
      written.push(readFileSync(join(folder, 'example.tpz')).toString('hex'))
    }
    expect(written).to.deep.equal(examples())
  })
})
