import { expect } from 'chai'
import type { AnyNetwork } from '../../lib/nn/any_network.js'
import { Network } from '../../lib/nn/network.js'
import { noGrad } from '../../lib/tensor/autograd.js'
import { crossEntropy } from '../../lib/tensor/loss.js'
import { scope } from '../../lib/tensor/scope.js'
import { expectClose } from '../support/close.js'
import { device } from '../support/device.js'
import { readGolden } from '../support/golden.js'
import { type GoldenLayer, layersFrom } from './from_golden.js'

const golden = await readGolden<{
  networks: Record<string, { inputShape: number[]; seed: number; layers: GoldenLayer[] }>
}>('networks')

for (const [title, { inputShape, layers }] of Object.entries(golden.fixture.networks)) {
  describe(`the ${title} network computes what PyTorch does:`, () => {
    const value = (key: string) => golden.tensor(`${title}.${key}`)
    let network: AnyNetwork
    let parameters: string[]
    beforeEach(async () => {
      network = new Network(inputShape, layersFrom(layers), { device })
      for (const name of network.tensorNames()) await network.put([[name, value(`initial.${name}`)]])
      parameters = network.tensorNames().filter((name) => !/running|num_batches/.test(name))
    })
    afterEach(() => network.dispose())

    function step() {
      const logits = network.forward(value('input'), { training: true })
      const loss = crossEntropy(logits, value('target'))
      loss.backward()
      return { logits, loss }
    }

    it('logits and loss in training mode', () => {
      scope(() => {
        const { logits, loss } = step()
        expectClose(logits.detach(), value('train.logits'), 'logits')
        expectClose(loss.detach(), value('train.loss'), 'loss')
      })
    })

    it('the gradient of every parameter', () => {
      scope(() => {
        step()
        expect(parameters).to.have.lengthOf.above(5)
        for (const name of parameters) {
          expectClose(network.tensor(name).grad!, value(`gradient.${name}`), name)
        }
      })
    })

    it('the statistics of batch normalization, and logits in evaluation mode by them', () => {
      scope(() => {
        step()
        const buffers = network.tensorNames().filter((name) => !parameters.includes(name))
        const norms = layers.filter(({ kind }) => kind === 'batchNorm2d')
        expect(buffers).to.have.lengthOf(3 * norms.length)
        for (const name of buffers) expectClose(network.tensor(name), value(`after.${name}`), name)
        expectClose(
          noGrad(() => network.forward(value('input'))),
          value('eval.logits'),
          'logits',
        )
        for (const name of buffers) expectClose(network.tensor(name), value(`after.${name}`), name)
      })
    })
  })
}
