import { expect } from 'chai'
import { ownDevice } from '../../lib/recipes/own_device.js'
import { refusal } from '../support/refusal.js'

describe('the device of one of several processes', () => {
  it('is a GPU of its own, as long as there are enough', () => {
    const own = (localRank: number, count: number) => ownDevice('cuda', 'device', { localRank }, count)
    expect([own(0, 1), own(1, 1)]).to.deep.equal(['cuda', 'cuda'])
    expect([own(0, 2), own(1, 2), own(2, 2)]).to.deep.equal(['cuda:0', 'cuda:1', 'cuda:0'])
    expect(ownDevice('best', 'device', { localRank: 3 }, 4)).to.equal('cuda:3')
  })

  it('is the one that was named, or that of a process on its own', () => {
    expect(ownDevice('cuda:1', 'device', { localRank: 0 }, 2)).to.equal('cuda:1')
    expect(ownDevice('cpu', 'device', { localRank: 1 }, 2)).to.equal('cpu')
    expect(ownDevice('cuda', 'device', undefined, 2)).to.equal('cuda')
    expect(refusal(() => ownDevice('gpu' as 'cuda', 'device', { localRank: 0 }, 2)).code).to.equal(
      'ERR_DEVICE',
    )
  })
})
