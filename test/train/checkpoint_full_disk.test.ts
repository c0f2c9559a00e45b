import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import type { TorchPruneError } from '../../lib/base/errors.js'
import { train } from '../../lib/train/train.js'
import { freshFolder } from '../support/folder.js'
import { fullDisk } from '../support/full_disk.js'
import { laterRefusal } from '../support/refusal.js'
import { base, bitsOf, dataset, EPOCHS, prepared, STEPS } from './checkpoint_toy.js'

const box = freshFolder()

describe('training that is saved on the way', function () {
  this.timeout(60_000)

  it('goes on over a full disk with the file that was saved before, and saves again when there is room', async () => {
    using unbroken = await prepared(base)
    await train(unbroken, dataset, base)
    using net = await prepared(base)
    const path = box('full.safetensors')
    let saved = 0
    let before: Buffer | undefined
    const errors: TorchPruneError[] = []
    using _ = fullDisk((file) => file.startsWith(box()) && saved === 2 && errors.length < 3)
    await train(net, dataset, {
      ...base,
      checkpoint: {
        path,
        minutes: 0,
        onSaved: () => {
          saved++
          before = readFileSync(path)
        },
        onFailed: (error) => {
          errors.push(error)
          expect(readFileSync(path).equals(before!), 'the file before').to.equal(true)
          expect(readdirSync(box())).to.deep.equal(['full.safetensors'])
        },
      },
    })
    expect(bitsOf(net) === bitsOf(unbroken)).to.equal(true)
    expect(errors.map(({ code, message }) => [code, message])).to.deep.equal(
      Array(3).fill([
        'ERR_OUTPUT',
        `${path}: cannot be written, the disk is full; free some space and try again`,
      ]),
    )
    // Between the steps of each epoch, and at the end.
    expect(saved).to.equal(EPOCHS * (STEPS - 1) + 1 - 3)
  })

  it('warns of a full disk once where nobody is told of it', async () => {
    using net = await prepared(base)
    const path = box('warned.safetensors')
    const warnings: string[] = []
    const listen = ({ name, message }: Error) => name === 'TorchPruneWarning' && warnings.push(message)
    process.on('warning', listen)
    try {
      using _ = fullDisk((file) => file.startsWith(box()))
      await train(net, dataset, { ...base, checkpoint: { path, minutes: 0 } })
      await new Promise(setImmediate)
    } finally {
      process.off('warning', listen)
    }
    expect(warnings).to.deep.equal([
      `training goes on without a new checkpoint, and tries again later (${path}: cannot be written, the disk is full; free some space and try again)`,
    ])
    expect(readdirSync(box())).to.deep.equal([])
  })

  it('says so when what it stands at cannot be saved as it is aborted', async () => {
    using net = await prepared(base)
    const controller = new AbortController()
    using _ = fullDisk((file) => file.startsWith(box()))
    const work = train(net, dataset, {
      ...base,
      signal: controller.signal,
      onProgress: () => controller.abort(),
      checkpoint: { path: box('aborted.safetensors') },
    })
    const { code, message } = await laterRefusal(work)
    expect(code).to.equal('ERR_OUTPUT')
    expect(message).to.match(/aborted.safetensors: cannot be written, the disk is full/)
  })
})
