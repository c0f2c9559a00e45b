import { mkdtempSync, rmSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Dataset } from '../../lib/data/dataset.js'
import { conv2d, dropout, flatten, linear, maxPool2d, relu } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { sgd } from '../../lib/optim/spec.js'
import { tensor } from '../../lib/tensor/from.js'
import { predict } from '../../lib/train/evaluate.js'
import { train } from '../../lib/train/train.js'
import { snapshot } from '../nn/bits.js'
import { device } from '../support/device.js'
import { refusal, refusedWith } from '../support/refusal.js'
import { numbers } from './toy.js'

function images(count = 48): Dataset {
  using pixels = tensor(numbers(count * 64), { shape: [count, 1, 8, 8] })
  using labels = tensor(
    Array.from({ length: count }, (_, i) => i % 3),
    { dtype: 'int64' },
  )
  return Dataset.from(pixels, labels)
}

function small() {
  return network(
    [1, 8, 8],
    {
      conv: conv2d(1, 4, 3),
      relu1: relu(),
      pool: maxPool2d(2),
      flatten: flatten(),
      drop: dropout(0.3),
      fc1: linear(36, 10),
      relu2: relu(),
      fc2: linear(10, 3),
    },
    { seed: 5, device },
  )
}

const options = { epochs: 2, optimizer: sgd({ lr: 0.1, momentum: 0.9 }), batchSize: 16 }

describe('the cache of a frozen prefix', () => {
  it('trains to the weights that training without it gives, dropout behind it included', async () => {
    const data = images()
    using plain = small()
    using cached = small()
    for (const net of [plain, cached]) net.freeze('conv')
    const frozen = snapshot(plain)['conv.weight']
    await train(plain, data, options)
    await train(cached, data, { ...options, cachePrefix: true })
    using a = await predict(plain, data)
    using b = await predict(cached, data)
    expect(a.allclose(b, { rtol: 1e-5, atol: 1e-6 })).to.equal(true)
    expect(snapshot(cached)['conv.weight']).to.deep.equal(frozen)
  })

  it('lies in a file where memory is short, with the same bits and no trace', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'torch-prune-cache-'))
    try {
      for (const more of [{}, { augment: { crop: { padding: 1 }, flip: true }, cacheVariants: 3 }]) {
        using held = small()
        using filed = small()
        for (const net of [held, filed]) net.freeze('conv')
        const cached = { ...options, ...more, cachePrefix: true }
        await train(held, images(), cached)
        for await (const _ of train(filed, images(), { ...cached, cacheMemory: 0, cacheDir: folder })) {
          expect(await readdir(folder)).to.deep.equal([])
        }
        expect(snapshot(filed)).to.deep.equal(snapshot(held))
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('is refused where its file has no place, and for memory that is no number', async () => {
    using net = small()
    net.freeze('conv')
    const cached = { ...options, cachePrefix: true }
    const nowhere = { ...cached, cacheMemory: 0, cacheDir: '/nowhere' }
    expect(await refusedWith(train(net, images(), nowhere), 'ERR_OUTPUT')).to.match(/^\/nowhere: .*cacheDir/)
    const wrong = refusal(() => train(net, images(), { ...cached, cacheMemory: Number.NaN }))
    expect(wrong.code).to.equal('ERR_ARGUMENT')
  })

  it('is refused where nothing in front is frozen', async () => {
    using net = small()
    let message = ''
    try {
      await train(net, images(), { ...options, cachePrefix: true })
    } catch (error) {
      message = (error as Error).message
    }
    expect(message).to.match(/frozen/)
  })
})
