import { expect } from 'chai'
import { Dataset } from '../../lib/data/dataset.js'
import { linear } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { Optimizer } from '../../lib/optim/optimizer.js'
import { sgd } from '../../lib/optim/spec.js'
import { zeros } from '../../lib/tensor/factories.js'

describe('structuredClone and postMessage', () => {
  const net = network([2], { fc: linear(2, 2) })
  const cases: Record<string, object> = {
    'a tensor': zeros([2]),
    'a network': net,
    'a dataset': Dataset.from(zeros([2, 2]), zeros([2], { dtype: 'int64' })),
    'an optimizer': Optimizer.of(net, sgd({ lr: 0.1 })),
  }
  for (const [what, value] of Object.entries(cases)) {
    it(`refuse ${what}, and say what to do instead`, () => {
      const message = new RegExp(`${what} stays in its thread \\(.*\\)`)
      expect(() => structuredClone({ value }))
        .to.throw(DOMException, message)
        .with.property('name', 'DataCloneError')
      const { port1 } = new MessageChannel()
      expect(() => port1.postMessage([value])).to.throw(DOMException, message)
      port1.close()
    })
  }
})
