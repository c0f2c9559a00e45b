import { expect } from 'chai'
import fc from 'fast-check'

import { bytesPerElement, type DType } from '../../lib/base/dtype.js'
import { elementsOf } from '../../lib/tensor/elements.js'
import * as factories from '../../lib/tensor/factories.js'
import { type NumberArray, type TensorData, tensor } from '../../lib/tensor/from.js'
import { scope } from '../../lib/tensor/scope.js'
import type { Tensor } from '../../lib/tensor/tensor.js'
import { device } from '../support/device.js'
import { refusal } from '../support/refusal.js'

const dtypes = Object.keys(bytesPerElement) as DType[]

const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 })

function count(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

/** A shape and random bytes for it; a bool is 0 or 1. */
function contents(dtype: DType) {
  return shapes.chain((shape) => {
    const length = count(shape) * bytesPerElement[dtype]
    const byte = fc.integer({ min: 0, max: dtype === 'bool' ? 1 : 255 })
    return fc.record({
      shape: fc.constant(shape),
      bytes: fc.array(byte, { minLength: length, maxLength: length }).map((list) => Uint8Array.from(list)),
    })
  })
}

function bytesOf(array: NumberArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}

describe('tensor()', () => {
  describe('and data() give back, bit for bit,', () => {
    for (const dtype of dtypes) {
      it(`a typed array as ${dtype}`, () => {
        fc.assert(
          fc.property(contents(dtype), ({ shape, bytes }) => {
            const elements = elementsOf(dtype, bytes.slice().buffer)
            using made = tensor(elements, { dtype, shape, device })
            expect(made.dtype).to.equal(dtype)
            expect(made.shape).to.deep.equal(shape)
            const data = made.data()
            expect(data.constructor).to.equal(elements.constructor)
            expect(bytesOf(data)).to.deep.equal(bytes)
          }),
        )
      })
    }
  })

  it('and toArray() give back nested arrays', () => {
    const leaf = fc.oneof(fc.float(), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0))
    const nested = fc
      .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 3 }))
      .chain(([rows, columns]) => fc.array(row(leaf, columns), { minLength: rows, maxLength: rows }))
    fc.assert(
      fc.property(nested, (data) => {
        using made = tensor(data, { device })
        expect(made.toArray()).to.deep.equal(data)
      }),
    )
  })

  it('takes its dtype from its data', () => {
    scope(() => {
      const cases: [TensorData, DType][] = [
        [[1, 2], 'float32'],
        [[], 'float32'],
        [3, 'float32'],
        [[[true]], 'bool'],
        [[1n], 'int64'],
        [new Float64Array(1), 'float64'],
        [new Float32Array(1), 'float32'],
        [new BigInt64Array(1), 'int64'],
        [new Int32Array(1), 'int32'],
        [new Int16Array(1), 'int16'],
        [new Int8Array(1), 'int8'],
        [new Uint8ClampedArray(1), 'uint8'],
        [Buffer.alloc(1), 'uint8'],
      ]
      for (const [data, dtype] of cases) expect(tensor(data, { device }).dtype).to.equal(dtype)
    })
  })

  it('casts to the dtype that is asked for', () => {
    scope(() => {
      expect(tensor([1.5, -2], { dtype: 'bfloat16', device }).toArray()).to.deep.equal([1.5, -2])
      expect(tensor(new Float32Array([1.7]), { dtype: 'int64', device }).data()).to.deep.equal(
        BigInt64Array.of(1n),
      )
      expect(tensor(Uint8Array.of(0, 2), { dtype: 'bool', device }).data()).to.deep.equal(Uint8Array.of(0, 1))
      expect(tensor([true, false], { dtype: 'float64', device }).toArray()).to.deep.equal([1, 0])
      const extremes = [-(2n ** 63n), 2n ** 63n - 1n]
      expect(tensor(extremes, { device }).data()).to.deep.equal(BigInt64Array.from(extremes))
    })
  })

  it('copies a view of a buffer, also of a shared one', () => {
    const shared = new Float32Array(new SharedArrayBuffer(16))
    shared.set([1, 2, 3, 4])
    using made = tensor(shared.subarray(1, 3), { device })
    shared.fill(0)
    expect(made.toArray()).to.deep.equal([2, 3])
  })

  it('keeps NaN, the infinities and the sign of zero', () => {
    const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0]
    for (const dtype of ['float64', 'float32', 'float16', 'bfloat16'] as const) {
      using made = tensor(values, { dtype, device })
      expect(made.toArray()).to.deep.equal(values)
    }
  })

  it('refuses what makes no tensor', () => {
    const cases: [TensorData, object, string, string][] = [
      [[[1, 2], [3]], {}, 'ERR_SHAPE', 'data[1] has 1'],
      [[[1], 2], {}, 'ERR_SHAPE', 'data[1]'],
      [[1, [2]], {}, 'ERR_SHAPE', 'data[1]'],
      [[0, 1.5], { dtype: 'int32' }, 'ERR_ARGUMENT', 'data[1] is 1.5'],
      [[300], { dtype: 'uint8' }, 'ERR_ARGUMENT', '300'],
      [[2 ** 53], { dtype: 'int64' }, 'ERR_ARGUMENT', 'int64'],
      [[2n ** 63n], {}, 'ERR_ARGUMENT', 'int64'],
      [[2], { dtype: 'bool' }, 'ERR_ARGUMENT', 'bool'],
      [[1n], { dtype: 'float32' }, 'ERR_ARGUMENT', '1n'],
      [['1'] as never, {}, 'ERR_ARGUMENT', 'a string'],
      [[null] as never, {}, 'ERR_ARGUMENT', 'null'],
      [undefined as never, {}, 'ERR_ARGUMENT', 'undefined'],
      [[1], { dtype: 'float' }, 'ERR_DTYPE', "'float'"],
      [[1], { device: 'gpu' }, 'ERR_DEVICE', "'gpu'"],
      [[1], { device: 'cuda:99' }, 'ERR_DEVICE', "'cuda:99'"],
      [[1], { dtype: 'int64', requiresGrad: true }, 'ERR_DTYPE', 'int64'],
      [new Uint16Array(1), {}, 'ERR_ARGUMENT', 'bfloat16'],
      [new Uint32Array(1) as never, {}, 'ERR_ARGUMENT', 'Uint32Array'],
      [new Float32Array(3), { shape: [2, 2] }, 'ERR_SHAPE', '3 elements'],
      [new Float32Array(3), { shape: [-3] }, 'ERR_SHAPE', '-3'],
    ]
    for (const [data, options, code, part] of cases) {
      const error = refusal(() => tensor(data, options as never))
      expect(error.code, error.message).to.equal(code)
      expect(error.message).to.include(part)
    }
  })
})

describe('factories', () => {
  it('fill as they say', () => {
    scope(() => {
      const { zeros, ones, full, arange, linspace, eye } = factories
      const cases: [Tensor, unknown][] = [
        [zeros([2], { device }), [0, 0]],
        [ones([1, 2], { device }), [[1, 1]]],
        [full([2], -1.5, { device }), [-1.5, -1.5]],
        [arange(3, { device }), [0, 1, 2]],
        [arange(1, 2, 0.5, { device }), [1, 1.5]],
        [linspace(0, 1, 3, { device }), [0, 0.5, 1]],
        [eye(2, 3, { device }), [[1, 0, 0], [0, 1, 0]]], // biome-ignore format: a matrix
      ]
      for (const [made, expected] of cases) expect(made.toArray()).to.deep.equal(expected)
    })
  })

  it('make float32 unless told otherwise, and integers of what counts', () => {
    scope(() => {
      const { zeros, full, arange, randint, randperm, empty } = factories
      expect(full([1], 1).dtype).to.equal('float32')
      expect(arange(3).dtype).to.equal('float32')
      expect(randint(0, 3, [1]).dtype).to.equal('int64')
      expect(randperm(3).dtype).to.equal('int64')
      for (const dtype of dtypes) expect(zeros([1], { dtype, device }).dtype).to.equal(dtype)
      const leaf = empty([2], { requiresGrad: true, device })
      expect(leaf.requiresGrad).to.equal(true)
      expect(leaf.isLeaf).to.equal(true)
    })
  })

  it('make others like a tensor, of its dtype and shape', () => {
    scope(() => {
      const like = factories.zeros([2, 3], { dtype: 'float64', device })
      const { zerosLike, onesLike, fullLike, emptyLike, randLike, randnLike } = factories
      const made = [zerosLike, onesLike, emptyLike, randLike, randnLike].map((make) => make(like))
      for (const each of [...made, fullLike(like, 2)]) {
        expect([each.shape, each.dtype, each.device]).to.deep.equal([like.shape, like.dtype, like.device])
      }
      expect(onesLike(like, { dtype: 'int8' }).dtype).to.equal('int8')
    })
  })

  it('draw within their bounds', () => {
    scope(() => {
      const uniform = factories.rand([1000], { device })
      expect(uniform.ge(0).logicalAnd(uniform.lt(1)).all().item()).to.equal(1)
      const whole = factories.randint(-2, 3, [1000], { device })
      expect([whole.min().item(), whole.max().item()]).to.deep.equal([-2, 2])
      const order = factories.randperm(50, { device }).sort().values
      expect(order.equal(factories.arange(50, { dtype: 'int64', device }))).to.equal(true)
    })
  })
})

function row<T>(leaf: fc.Arbitrary<T>, columns: number): fc.Arbitrary<T[]> {
  return fc.array(leaf, { minLength: columns, maxLength: columns })
}

describe('tensor() of memory that changes while it is looked at', () => {
  const COUNT = 1 << 16
  const shapeThat = (act: () => void) =>
    Object.defineProperty([0], 0, {
      get() {
        act()
        return COUNT
      },
    })

  it('refuses a buffer that its shape detaches', () => {
    const data = new Float32Array(COUNT)
    const shape = shapeThat(() => structuredClone(data.buffer, { transfer: [data.buffer as ArrayBuffer] }))
    expect(refusal(() => tensor(data, { shape }))).to.include({ code: 'ERR_SHAPE' })
  })

  it('refuses a buffer that its shape shrinks', () => {
    const Resizable = ArrayBuffer as unknown as new (
      length: number,
      options: object,
    ) => ArrayBuffer & { resize(length: number): void }
    const buffer = new Resizable(4 * COUNT, { maxByteLength: 4 * COUNT })
    const shape = shapeThat(() => buffer.resize(0))
    expect(refusal(() => tensor(new Float32Array(buffer), { shape }))).to.include({ code: 'ERR_SHAPE' })
  })
})
