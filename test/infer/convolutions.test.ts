import { expect } from 'chai'
import { loadSession, type Network, network, nn, readSafetensors, writeSafetensors } from '../../lib/index.js'
import { freshFolder } from '../support/folder.js'
import { expectClose, expected, prunedTo } from './networks.js'

/** Sizes that no vector and no group of rows divides, and everything that moves an input. */
const convolutions = () =>
  network([3, 37, 35], {
    first: nn.conv2d(3, 21, 3, { padding: 1 }),
    relu: nn.relu(),
    strided: nn.conv2d(21, 18, 3, { stride: 2, padding: 1 }),
    dilated: nn.conv2d(18, 13, [5, 3], { dilation: [1, 2], padding: 2 }),
    grouped: nn.conv2d(13, 26, 3, { groups: 13 }),
    one: nn.conv2d(26, 9, 1, { bias: false }),
  }) as unknown as Network

describe('pruned convolutions', () => {
  const path = freshFolder()

  for (const density of [0.05, 0.12, 0.2, 0.5, 0.9]) {
    for (const threads of [1, 2]) {
      it(`put out what dense ones do at a density of ${density}, by ${threads} threads`, async () => {
        using net = await prunedTo(convolutions(), density)
        for (const batch of [1, 2]) {
          const { samples, outputs } = expected(net, batch)
          using session = await net.compile({ batch, threads, forms: ['sparse'] })
          expectClose(await session.runBatch(samples), outputs, `${batch} at a time`)
          // What is saved are the dense weights, put together again.
          await session.save(path('sparse.safetensors'))
          using loaded = await loadSession(path('sparse.safetensors'))
          expectClose(await loaded.runBatch(samples), outputs, `${batch} at a time, loaded`)
        }
      })
    }
  }

  it('are shared out by rows where their weights, and by parts of images where their sums fill a cache', async () => {
    const large = network([256, 19, 11], {
      many: nn.conv2d(256, 301, 3, { padding: 1 }),
      fewer: nn.conv2d(301, 3, [1, 3]),
      large: nn.conv2d(3, 7, [17, 9]),
    }) as unknown as Network
    using net = await prunedTo(large, 0.9)
    for (const batch of [1, 5]) {
      const { samples, outputs } = expected(net, batch)
      using session = await net.compile({ batch, threads: 2, forms: ['sparse'] })
      expectClose(await session.runBatch(samples), outputs, `${batch} at a time`)
    }
  })

  it('take what oneDNN puts out, the channels of a pixel side by side', async () => {
    using net = await prunedTo(convolutions(), 0.3)
    const { samples, outputs } = expected(net, 2)
    const file = path('mixed.safetensors')
    {
      using session = await net.compile({ batch: 2, forms: ['dense'] })
      await session.save(file)
    }
    const { tensors, metadata } = await readSafetensors(file)
    const key = 'torch-prune.session'
    const plan = JSON.parse(metadata[key]!) as object
    const packed = process.arch === 'x64' ? 'packed' : 'dense'
    const forms = [packed, 'sparse', packed, 'sparse', 'sparse']
    await writeSafetensors(file, {
      tensors,
      metadata: { ...metadata, [key]: JSON.stringify({ ...plan, forms }) },
    })
    using session = await loadSession(file)
    expect(session.layers.map(({ form }) => form)).to.deep.equal(forms)
    expectClose(await session.runBatch(samples), outputs, 'mixed')
  })
})
