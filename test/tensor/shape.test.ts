import { expect } from 'chai'
import fc from 'fast-check'

import { cat, einsum, stack, where } from '../../lib/tensor/combine.js'
import { arange, eye, zeros } from '../../lib/tensor/factories.js'
import { tensor } from '../../lib/tensor/from.js'
import { scope } from '../../lib/tensor/scope.js'
import { device } from '../support/device.js'

const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 })

function counting(shape: readonly number[]) {
  const count = shape.reduce((product, size) => product * size, 1)
  return arange(count, { device }).reshape(shape)
}

describe('shapes', () => {
  it('come back from flatten and reshape', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        scope(() => {
          const made = counting(shape)
          expect(made.flatten().reshape(shape).equal(made)).to.equal(true)
          expect(made.numel).to.equal(made.flatten().shape[0])
        })
      }),
    )
  })

  it('come back from a permutation and its inverse', () => {
    const permuted = shapes.chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        order: fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }),
      }),
    )
    fc.assert(
      fc.property(permuted, ({ shape, order }) => {
        scope(() => {
          const made = counting(shape)
          const inverse = order.map((_, dim) => order.indexOf(dim))
          const there = made.permute(order)
          expect(there.shape).to.deep.equal(order.map((dim) => shape[dim]))
          expect(there.permute(inverse).equal(made)).to.equal(true)
          expect(there.contiguous().data()).to.deep.equal(there.data())
        })
      }),
    )
  })

  it('come back from pieces that are joined again', () => {
    fc.assert(
      fc.property(shapes, fc.nat(3), fc.integer({ min: 1, max: 4 }), (shape, at, size) => {
        scope(() => {
          const made = counting(shape)
          const dim = at % shape.length
          expect(cat(made.split(size, dim), dim).equal(made)).to.equal(true)
          expect(cat(made.chunk(size, dim), dim).equal(made)).to.equal(true)
          expect(stack(made.unbind(dim), dim).equal(made)).to.equal(true)
        })
      }),
    )
  })

  it('share memory in views and not in clones', () => {
    scope(() => {
      const made = zeros([2, 2], { device })
      const copy = made.clone()
      made.select(0, 1).fill_(3)
      made.view([4]).narrow(0, 0, 1).fill_(5)
      expect(made.toArray()).to.deep.equal([[5, 0], [3, 3]]) // biome-ignore format: a matrix
      expect(copy.countNonzero().item()).to.equal(0)
    })
  })

  it('take every form of the arguments', () => {
    scope(() => {
      const made = counting([2, 3])
      expect(made.split([1, 2], 1).map((part) => part.shape)).to.deep.equal([[2, 1], [2, 2]]) // biome-ignore format: pairs
      expect(made.unsqueeze(0).squeeze().shape).to.deep.equal([2, 3])
      expect(made.unsqueeze(0).unsqueeze(-1).squeeze([0, -1]).shape).to.deep.equal([2, 3])
      expect(made.sum(1).toArray()).to.deep.equal([3, 12])
      expect(made.sum([0, 1], { keepdim: true }).shape).to.deep.equal([1, 1])
      expect(made.prod(0).toArray()).to.deep.equal([0, 4, 10])
      expect(made.countNonzero(0).toArray()).to.deep.equal([1, 2, 2])
      expect(made.slice(1, -2).toArray()).to.deep.equal([[1, 2], [4, 5]]) // biome-ignore format: a matrix
      expect(made.roll(1, 1).select(0, 0).toArray()).to.deep.equal([2, 0, 1])
      expect(made.tril().select(0, 0).toArray()).to.deep.equal([0, 0, 0])
      expect(made.div(2, { rounding: 'floor' }).select(0, 1).toArray()).to.deep.equal([1, 2, 2])
      expect(made.median(1).indices.toArray()).to.deep.equal([1, 1])
      const condition = made.gt(2)
      expect(where(condition, made, 0).sum().item()).to.equal(12)
      expect(where(condition, 1, made).sum().item()).to.equal(6)
      expect(where<'float32'>(condition, 1, 0).sum().item()).to.equal(3)
    })
  })

  it('multiply as matrices do', () => {
    scope(() => {
      const square = tensor([[2, 1], [1, 3]], { device }) // biome-ignore format: a matrix
      const identity = eye(2, 2, { device })
      expect(square.matmul(square.inverse()).allclose(identity, { atol: 1e-6 })).to.equal(true)
      const { u, s, vh } = square.svd()
      expect(u.mul(s).matmul(vh).allclose(square, { rtol: 1e-5 })).to.equal(true)
      expect(einsum('ij,jk->ik', square, identity).equal(square)).to.equal(true)
      expect(square.mv(tensor([1, 1], { device })).toArray()).to.deep.equal([3, 4])
      expect(square.trace().item()).to.equal(5)
    })
  })
})
