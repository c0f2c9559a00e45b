import { expect } from 'chai'

import { ones, zeros } from '../../lib/tensor/factories.js'
import { device } from '../support/device.js'
import { refusal } from '../support/refusal.js'

/** 4 TiB of float32, more than any device has. */
const TOO_LARGE = [1024, 1024, 1024, 1024]

describe('a tensor that does not fit into the memory of its device', () => {
  it('is refused with ERR_MEMORY, and work goes on', () => {
    for (let i = 0; i < 3; i++)
      expect(refusal(() => zeros(TOO_LARGE, { device })).code).to.equal('ERR_MEMORY')
    using after = ones([8], { device })
    using sum = after.sum()
    expect(sum.item()).to.equal(8)
  })

  it('is refused as the result of an operator', () => {
    using column = ones([2 ** 20, 1], { device })
    using row = ones([1, 2 ** 20], { device })
    expect(refusal(() => column.add(row)).code).to.equal('ERR_MEMORY')
    using after = column.sum()
    expect(after.item()).to.equal(2 ** 20)
  })
})
