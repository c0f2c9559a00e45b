import { expect } from 'chai'
import { createModel, lenet5, lenet300100, modelNames } from '../../lib/models/index.js'
import { zeros } from '../../lib/tensor/factories.js'
import { device } from '../support/device.js'
import { refusal } from '../support/refusal.js'

describe('models', () => {
  for (const name of modelNames) {
    it(`${name} runs on samples of its shape`, () => {
      using net = createModel(name, { device })
      using input = zeros([2, ...net.inputShape], { device })
      using output = net.forward(input)
      expect(output.shape).to.deep.equal([2, ...net.nodes.at(-1)!.shape])
      expect(net.parameterCount).to.be.above(0)
    })
  }

  it("have the layers of the paper's tables", () => {
    using dense = lenet300100()
    using convolutional = lenet5()
    expect(dense.prunable).to.deep.equal(['fc1', 'fc2', 'fc3'])
    expect(convolutional.prunable).to.deep.equal(['conv1', 'conv2', 'fc1', 'fc2'])
    const kinds = convolutional.nodes.map(({ layer }) => layer.kind)
    expect(kinds, 'no ReLU behind the convolutions').to.deep.equal([
      'conv2d',
      'maxPool2d',
      'conv2d',
      'maxPool2d',
      'flatten',
      'linear',
      'relu',
      'linear',
    ])
  })

  it('of other names are refused, with the names that there are', () => {
    for (const name of ['lenet', 'constructor', '']) {
      const error = refusal(() => createModel(name))
      expect(error.code).to.equal('ERR_ARGUMENT')
      expect(error.message).to.include(`there is no model '${name}': use one of lenet-300-100, lenet-5`)
    }
  })
})
