import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { loadNetwork } from '../../lib/nn/load.js'
import { loadWeights } from '../../lib/nn/weights_file.js'
import { zerosHint } from '../../lib/nn/zeros.js'
import { sgd } from '../../lib/optim/spec.js'
import { applyCriterion, keptWeights } from '../../lib/prune/mask.js'
import { criteria } from '../../lib/prune/score/index.js'
import { parameterReport } from '../../lib/prune/surgery/neurons.js'
import { tensor } from '../../lib/tensor/from.js'
import { train } from '../../lib/train/train.js'
import { device } from '../support/device.js'
import { laterRefusal } from '../support/refusal.js'
import { toyData, toyNetwork } from '../train/toy.js'
import { snapshot } from './bits.js'

/** Every third weight of fc1 is +0 or -0, as of a network that was pruned elsewhere. */
const third = (i: number) => (i % 3 === 0 ? (i % 2 ? -0 : 0) : i + 1)
const counts = async (net: AnyNetwork) => (await keptWeights(net)).map(({ kept, zeros }) => ({ kept, zeros }))

describe('zeros that were baked in elsewhere', () => {
  const folder = mkdtempSync(join(tmpdir(), 'zeros-'))
  const file = join(folder, 'baked.safetensors')
  after(() => rmSync(folder, { recursive: true }))

  async function bake(path: string, value: (index: number) => number): Promise<void> {
    using net = toyNetwork()
    using values = tensor(
      Float32Array.from({ length: 96 }, (_, i) => value(i)),
      { shape: [16, 6] },
    )
    await net.put([['fc1.weight', values]])
    await net.save(path)
  }
  before(() => bake(file, third))

  it('are counted and kept where nobody says otherwise', async () => {
    using net = toyNetwork()
    await loadWeights(net, file)
    expect(await counts(net)).to.deep.equal([
      { kept: 96, zeros: 32 },
      { kept: 48, zeros: 0 },
    ])
    expect((await parameterReport(net)).zeros).to.equal(32)
    expect(net.mask('fc1')).to.equal(undefined)
  })

  it("are sealed by mask: 'zeros', and stay so through training", async () => {
    using net = toyNetwork()
    expect((await loadWeights(net, file, { mask: 'zeros' })).masked).to.deep.equal(['fc1'])
    expect(net.mask('fc2')).to.equal(undefined)
    await train(net, toyData(32), { epochs: 1, optimizer: sgd({ lr: 0.1, momentum: 0.9 }) })
    expect(await counts(net)).to.deep.equal([
      { kept: 64, zeros: 0 },
      { kept: 48, zeros: 0 },
    ])
    await net.assertSealed()
  })

  it('are sealed where a whole network is loaded, beside masks that it has', async () => {
    using net = toyNetwork()
    await loadWeights(net, file)
    await applyCriterion(net, criteria.magnitude().density({ fc2: 0.5 }))
    const both = join(folder, 'both.safetensors')
    await net.save(both)
    using loaded = await loadNetwork(both, { mask: 'zeros', device })
    expect((await counts(loaded)).map(({ kept }) => kept)).to.deep.equal([64, 24])
    await loaded.assertSealed()
  })

  it('are refused where they are all of a layer, and the network stays as it was', async () => {
    const path = join(folder, 'empty.safetensors')
    await bake(path, () => -0)
    using net = toyNetwork()
    const before = snapshot(net)
    const { code, message } = await laterRefusal(loadWeights(net, path, { mask: 'zeros' }))
    expect(code).to.equal('ERR_FILE')
    expect(message).to.match(/every weight of "fc1.weight" is 0; load it without \{ mask: 'zeros' \}$/)
    expect(snapshot(net)).to.deep.equal(before)
  })

  it('need their name spelled right', async () => {
    using net = toyNetwork()
    const wrong = { mask: 'zero' } as unknown as { mask: 'zeros' }
    expect((await laterRefusal(loadWeights(net, file, wrong))).message).to.match(/mask.*'zeros'.*'zero'/)
    expect((await laterRefusal(loadNetwork(file, wrong))).message).to.match(/mask.*'zeros'.*'zero'/)
  })

  it('are hinted at from one in a hundred on', () => {
    const layer = (name: string, zeros: number) => ({ name, kept: 1000, zeros })
    expect(zerosHint([layer('a', 9), layer('b', 0)], 'do it')).to.equal(undefined)
    expect(zerosHint([layer('a', 10), layer('b', 300)], 'load it so')).to.equal(
      '30% of the kept weights of b, and some of a, are zero without a mask: load it so to seal them',
    )
  })
})
