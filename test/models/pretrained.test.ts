import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { mnist } from '../../lib/data/mnist.js'
import { PACKAGE } from '../../lib/install/home.js'
import { type PretrainedName, pretrained, pretrainedInfo } from '../../lib/models/pretrained.js'
import { pretrainedNames } from '../../lib/models/pretrained_names.js'
import { parameterReport } from '../../lib/prune/surgery/neurons.js'
import { scope } from '../../lib/tensor/scope.js'
import { evaluate } from '../../lib/train/evaluate.js'
import { NETWORKS_FOLDER, networksList } from '../../scripts/networks.js'
import { device } from '../support/device.js'
import { laterRefusal } from '../support/refusal.js'

describe('the networks that come with the package', () => {
  it('are in the list that npm run networks writes, each with what its run says of it', () => {
    const list = readFileSync(join(PACKAGE, 'lib/models/pretrained_names.ts'), 'utf8')
    const words = (text: string) => text.match(/[\w-]+/g)
    expect(words(list)).to.deep.equal(words(networksList()))
    const files = pretrainedNames.flatMap((name) => [`${name}.json`, `${name}.tpz`])
    expect(readdirSync(NETWORKS_FOLDER)).to.have.members(files)
  })

  for (const name of pretrainedNames) {
    it(`${name} has the size and the error that it is said to have`, async () => {
      using net = await pretrained(name, { device })
      const info = await pretrainedInfo(name)
      expect(statSync(join(NETWORKS_FOLDER, `${name}.tpz`)).size).to.equal(info.bytes)
      const { dense, kept, compression } = await parameterReport(net)
      expect({ parameters: dense, kept, compression }).to.deep.equal({
        parameters: info.parameters,
        kept: info.kept,
        compression: info.compression,
      })
      expect(info.ratio).to.be.closeTo((4 * info.parameters) / info.bytes, 1e-9)
      const { test } = await mnist()
      const { top1Error } = await evaluate(net, test)
      // Another device, or other kernels, may round an image or two to the other side.
      expect(top1Error).to.be.closeTo(info.top1Error, 0.03)
    })
  }

  it('are pruned, share values, and have layers with names', async () => {
    using net = await pretrained('lenet-300-100')
    await net.assertSealed()
    scope(() => {
      const { values } = net.codebook('fc1')!
      expect(values.shape[0]).to.be.within(3, 257)
      expect(net.mask('fc3')!.shape).to.deep.equal([10, 100])
    })
    // @ts-expect-error The names of its layers are known.
    expect(() => net.mask('fc4')).to.throw()
  })

  it('are asked for by their names and with the options of networks', async () => {
    const wrong = 'lenet-300' as PretrainedName
    for (const asked of [pretrained(wrong), pretrainedInfo(wrong)]) {
      const { code, message } = await laterRefusal(asked)
      expect(code).to.equal('ERR_ARGUMENT')
      expect(message).to.match(/no network in the package 'lenet-300' \(did you mean lenet-300-100\?\)/)
    }
    // @ts-expect-error There is no such option.
    const { message } = await laterRefusal(pretrained('lenet-300-100', { classes: 3 }))
    expect(message).to.include('classes')
    using net = await pretrained('lenet-300-100', { seed: 7 })
    expect(net.seed).to.equal(7)
  })
})
