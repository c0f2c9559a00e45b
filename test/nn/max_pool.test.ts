import { expect } from 'chai'
import fc from 'fast-check'
import { network, nn, tensor } from '../../lib/index.js'
import * as functional from '../../lib/tensor/functional.js'

// Equal ones, negative zero and NaN often, so that their order shows.
const value = fc.oneof(fc.constantFrom(0, -0, 1, -1, Number.NaN), fc.integer({ min: -1000, max: 1000 }))

describe('max pooling over windows of 2x2', () => {
  it("is libtorch's operator, whatever the width, equal values and NaN, forward and backward", () => {
    const shape = fc.record({
      planes: fc.integer({ min: 1, max: 3 }),
      height: fc.integer({ min: 2, max: 7 }),
      width: fc.integer({ min: 2, max: 70 }),
    })
    const images = shape.chain(({ planes, height, width }) => {
      const count = 2 * planes * height * width
      return fc.record({
        shape: fc.constant([2, planes, height, width]),
        values: fc.array(value, { minLength: count, maxLength: count }),
      })
    })
    fc.assert(
      fc.property(images, ({ shape, values }) => {
        using net = network(shape.slice(1), { pool: nn.maxPool2d(2) })
        using ours = tensor(values).reshape(shape).requiresGrad_()
        using theirs = ours.detach().clone().requiresGrad_()
        using out = net.forward(ours)
        using wanted = functional.maxPool2d(theirs, 2)
        expect(out.shape).to.deep.equal(wanted.shape)
        expect(out.detach().toArray()).to.deep.equal(wanted.detach().toArray())
        // Each output's gradient differs, so that one at a wrong place shows.
        using scale = tensor(Float32Array.from({ length: wanted.numel }, (_, i) => i + 1)).reshape(
          wanted.shape,
        )
        out.mul(scale).sum().backward()
        wanted.mul(scale).sum().backward()
        expect(ours.grad!.toArray()).to.deep.equal(theirs.grad!.toArray())
      }),
      { numRuns: 150 },
    )
  })
})

describe('max pooling without a gradient', () => {
  it("is libtorch's operator, whatever the windows, NaN too", () => {
    const side = fc.integer({ min: 1, max: 4 })
    const layer = fc.record({
      kernel: fc.tuple(side, side),
      stride: fc.tuple(side, side),
      padded: fc.tuple(fc.boolean(), fc.boolean()),
      ceilMode: fc.boolean(),
      height: fc.integer({ min: 4, max: 9 }),
      width: fc.integer({ min: 4, max: 40 }),
      seed: fc.array(value, { minLength: 50, maxLength: 50 }),
    })
    fc.assert(
      fc.property(layer, ({ kernel, stride, padded, ceilMode, height, width, seed }) => {
        const padding = kernel.map((size, i) => (padded[i] ? Math.floor(size / 2) : 0)) as [number, number]
        const shape = [2, 3, height, width]
        const values = Float32Array.from({ length: 6 * height * width }, (_, i) => seed[(i * 7) % 50]!)
        using net = network(shape.slice(1), { pool: nn.maxPool2d(kernel, { stride, padding, ceilMode }) })
        using input = tensor(values).reshape(shape)
        using out = net.forward(input)
        using derived = input.detach().clone().requiresGrad_()
        using wanted = functional.maxPool2d(derived, kernel, { stride, padding, ceilMode })
        expect(out.shape).to.deep.equal(wanted.shape)
        const numbers = (of: typeof out) => (of.detach().flatten().toArray() as number[]).map((x) => x + 0)
        expect(numbers(out)).to.deep.equal(numbers(wanted))
      }),
      { numRuns: 150 },
    )
  })
})
