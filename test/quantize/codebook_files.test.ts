import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Dataset } from '../../lib/data/dataset.js'
import { readSafetensors, writeSafetensors } from '../../lib/formats/safetensors.js'
import { loadNetwork } from '../../lib/nn/load.js'
import { Optimizer } from '../../lib/optim/optimizer.js'
import { toBytes } from '../../lib/tensor/bytes.js'
import { full, ones, randint, randn } from '../../lib/tensor/factories.js'
import { manualSeed } from '../../lib/tensor/random.js'
import { scope } from '../../lib/tensor/scope.js'
import type { Tensor } from '../../lib/tensor/tensor.js'
import { train } from '../../lib/train/train.js'
import { snapshot } from '../nn/bits.js'
import { device } from '../support/device.js'
import { laterRefusal } from '../support/refusal.js'
import { make, type Net, SPECS, shared, steps } from './codebook_toy.js'
import { expectShared } from './shared.js'

beforeEach(() => manualSeed(1))

describe('files of shared values', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'codebook-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  it('hold index and codebook beside the weight, and bring them back', async () => {
    using net = await shared()
    const path = join(folder, 'net.safetensors')
    await net.save(path)
    const { tensors } = await readSafetensors(path)
    expect(tensors.get('fc.weight_index')).to.include({ dtype: 'uint8' })
    expect(tensors.get('fc.weight_codebook')!.shape).to.deep.equal([6])
    using again = await loadNetwork(path, { device })
    expect(snapshot(again)).to.deep.equal(snapshot(net))
    scope(() => {
      const [ours, theirs] = [net.codebook('fc')!, again.codebook('fc')!]
      expect(toBytes(theirs.index).data).to.deep.equal(toBytes(ours.index).data)
      expect(toBytes(theirs.values).data).to.deep.equal(toBytes(ours.values).data)
    })
    using optimizer = Optimizer.of(again, SPECS.Adam!)
    await steps(again as unknown as Net, optimizer, 2)
  })

  it('are refused where they contradict each other', async () => {
    using net = await shared()
    const path = join(folder, 'net.safetensors')
    await net.save(path)
    const { tensors, metadata } = await readSafetensors(path)
    const write = (change: Record<string, Tensor | undefined>) => {
      const changed = new Map(tensors)
      for (const [name, values] of Object.entries(change)) {
        if (values) changed.set(name, toBytes(values))
        else changed.delete(name)
      }
      return writeSafetensors(join(folder, 'wrong.safetensors'), {
        metadata: { 'torch-prune.graph': metadata['torch-prune.graph']! },
        tensors: changed,
      })
    }
    const seven = full([7, 36], 7, { dtype: 'uint8' })
    const cases: [Record<string, Tensor | undefined>, RegExp][] = [
      [{ 'fc.weight_codebook': undefined }, /"fc\.weight_codebook" is missing/],
      [{ 'fc.weight_index': undefined }, /"fc\.weight_index" is missing/],
      [{ 'fc.weight_index': seven }, /"fc\.weight" has an index outside of the 6 values that it shares/],
      [{ 'fc.weight_codebook': ones([6]) }, /"fc\.weight" is not made of the values that it shares/],
      [{ 'fc.weight_codebook': ones([2, 3]) }, /"fc\.weight_codebook" is no list/],
      [
        { 'fc.weight_mask': ones([7, 36], { dtype: 'uint8' }) },
        /"fc\.weight" shares values where its mask prunes/,
      ],
    ]
    for (const [change, says] of cases) {
      await write(change)
      const { code, message } = await laterRefusal(loadNetwork(join(folder, 'wrong.safetensors')))
      expect(code).to.equal('ERR_FILE')
      expect(message).to.match(says)
    }
  })

  it('come back through state dicts and checkpoints', async () => {
    using net = await shared()
    using other = make()
    const state = await net.stateDict()
    await other.loadStateDict(state)
    for (const each of Object.values(state)) each.dispose()
    await expectShared(other)
    expect(other.codebook('fc')).to.not.equal(undefined)

    using images = randn([40, 2, 5, 5])
    using labels = randint(0, 7, [40]).long()
    using dataset = Dataset.from(images, labels)
    const options = { optimizer: SPECS.momentum!, batchSize: 8, seed: 5 }
    const path = join(folder, 'checkpoint.safetensors')
    await train(net, dataset, { ...options, epochs: 1, checkpoint: { path } })
    using again = await shared()
    await train(again, dataset, { ...options, epochs: 2, checkpoint: { path } })
    await train(other, dataset, { ...options, epochs: 2 })
    expect(snapshot(again)).to.deep.equal(snapshot(other))
    await expectShared(again)
  })
})
