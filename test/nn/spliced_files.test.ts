import { mkdtempSync, rmSync } from 'node:fs'
import { access } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { inspect } from '../../lib/cli/inspection.js'
import { readSafetensors, writeSafetensors } from '../../lib/formats/safetensors.js'
import { loadNetwork } from '../../lib/nn/load.js'
import { loadWeights } from '../../lib/nn/weights_file.js'
import { keptWeights } from '../../lib/prune/mask.js'
import { manualSeed } from '../../lib/tensor/random.js'
import { expectSealed } from '../prune/sealed.js'
import { device } from '../support/device.js'
import { laterRefusal, refusedWith } from '../support/refusal.js'
import { snapshot } from './bits.js'
import { half, make, spliceAll } from './spliced_toy.js'

beforeEach(() => manualSeed(1))

describe('files of a spliced network', () => {
  let folder: string
  let file: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'spliced-'))
    file = join(folder, 'network.safetensors')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('are checkpoints: a model file is refused until seal()', async () => {
    using net = make()
    await spliceAll(net)
    const { code, message } = await laterRefusal(net.save(file))
    expect(code).to.equal('ERR_SEAL')
    expect(message).to.match(
      /network\.safetensors is not written: .* conv, fc .*; call seal\(\) first, or saveCheckpoint\(\)/,
    )
    expect(await access(file).then(undefined, (error: NodeJS.ErrnoException) => error.code)).to.equal(
      'ENOENT',
    )
    await net.seal()
    await net.save(file)
    const { metadata } = await readSafetensors(file)
    expect(metadata['torch-prune.spliced']).to.equal(undefined)
    using again = await loadNetwork(file, { device })
    await expectSealed(again)
  })

  it('keep dense weights and masks, bit for bit, and which layers are spliced', async () => {
    using net = make()
    using keep = half([3, 36])
    await net.splice('conv', half([4, 2, 3, 3]))
    await net.setMask('fc', keep)
    await net.saveCheckpoint(file)
    using again = await loadNetwork(file, { device })
    expect(again.spliced).to.deep.equal(['conv'])
    expect(snapshot(again)).to.deep.equal(snapshot(net))
    for (const layer of net.prunable) {
      expect(again.mask(layer)!.data()).to.deep.equal(net.mask(layer)!.data())
    }
    await again.seal()
    await expectSealed(again)
    // A file counts by its masks, whoever looks into it.
    const inspection = await inspect(file)
    const kept = (await keptWeights(net)).map((layer) => layer.kept)
    expect(inspection.kind === 'network' && inspection.layers.map((layer) => layer.kept)).to.deep.equal(kept)
  })

  it('take the place of what a network was: spliced, sealed or neither', async () => {
    using dense = make()
    await dense.save(file)
    using net = make()
    await spliceAll(net)
    await loadWeights(net, file)
    expect(net.spliced).to.deep.equal([])
    expect(net.mask('fc')).to.equal(undefined)
    await net.splice('fc')
    await net.saveCheckpoint(file)
    await spliceAll(net)
    await net.seal()
    await loadWeights(net, file)
    expect(net.spliced).to.deep.equal(['fc'])
  })

  it('that do not hold what they say are refused, with nothing changed', async () => {
    using net = make()
    await spliceAll(net)
    await net.saveCheckpoint(file)
    const { metadata, tensors } = await readSafetensors(file)
    const before = snapshot(net)
    const broken: [says: RegExp, spliced: string, without?: string][] = [
      [/list of spliced layers cannot be read/, '{'],
      [/list of spliced layers cannot be read/, '[1]'],
      [/"fc9\.weight_mask" is of a spliced layer that the network does not have/, '["fc9"]'],
      [/"fc\.weight_mask" is missing, and the layer is spliced/, '["fc"]', 'fc.weight_mask'],
    ]
    for (const [says, spliced, without] of broken) {
      const some = new Map([...tensors].filter(([name]) => name !== without))
      await writeSafetensors(file, {
        metadata: { ...metadata, 'torch-prune.spliced': spliced },
        tensors: some,
      })
      expect(await refusedWith(loadWeights(net, file))).to.match(says)
      expect(snapshot(net)).to.deep.equal(before)
      expect(net.spliced).to.deep.equal(['conv', 'fc'])
    }
  })
})
