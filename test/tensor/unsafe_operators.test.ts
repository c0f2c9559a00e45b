import { expect } from 'chai'
import { Dataset } from '../../lib/data/dataset.js'
import { noGrad } from '../../lib/tensor/autograd.js'
import { randn, zeros } from '../../lib/tensor/factories.js'
import { tensor } from '../../lib/tensor/from.js'
import { type Argument, operator } from '../../lib/tensor/operator.js'
import { refusal } from '../support/refusal.js'

const refused = (name: string, ...values: Argument[]) => refusal(() => operator(name)(...values))

describe('operator', () => {
  const FAR = tensor([1n << 40n])

  for (const name of ['_unsafe_index.Tensor', '_index_put_impl_', '_reshape_alias', 'unsafe_chunk']) {
    it(`refuses aten::${name}, which trusts its arguments`, () => {
      expect(refused(`aten::${name}`, zeros([4]), [FAR], zeros([1]))).to.include({ code: 'ERR_ARGUMENT' })
    })
  }

  for (const name of ['resize_', 'set_.source_Tensor', 't_', 'transpose_', 'as_strided_', 'set_data']) {
    it(`refuses aten::${name}, which would change a tensor's shape or memory`, () => {
      const error = refused(`aten::${name}`, zeros([4]), zeros([1]))
      expect(error.code).to.equal('ERR_ARGUMENT')
      expect(error.message).to.include('changes the shape or the memory of a tensor')
    })
  }

  it('refuses what autograd and the backends of libtorch alone call', () => {
    const names = [
      'aten::native_batch_norm',
      'aten::max_pool2d_with_indices_backward',
      'aten::cudnn_convolution',
    ]
    for (const name of [...names, 'aten::from_file'])
      expect(refused(name)).to.include({ code: 'ERR_ARGUMENT' })
  })

  it('writes to an `out` that fits, and refuses one that does not, which keeps its shape', () => {
    const add = operator('aten::add.out')
    const [a, b] = [tensor([1, 2]), tensor([3, 4])]
    const [fits, small, large] = [zeros([2]), zeros([1]), zeros([3])]
    add(a, b, 1, fits)
    expect(fits.toArray()).to.deep.equal([4, 6])
    expect(refusal(() => add(a, b, 1, large))).to.include({ code: 'ERR_SHAPE' })
    expect(refusal(() => add(a, b, 1, small)).code).to.match(/^ERR_/)
    expect([small.data().length, large.data().length]).to.deep.equal([1, 3])
    // A view keeps its place in the other's memory.
    const whole = tensor([0, 1, 2, 3])
    const part = whole.narrow(0, 1, 2)
    expect(refusal(() => add(a.narrow(0, 0, 1), b.narrow(0, 0, 1), 1, part))).to.include({
      code: 'ERR_SHAPE',
    })
    expect(part.shape).to.deep.equal([2])
    expect(whole.select(0, 3).item()).to.equal(3)
  })

  it('hands out no sparse tensors', () => {
    expect(refused('aten::to_sparse', zeros([2, 2]))).to.include({ code: 'ERR_ARGUMENT' })
  })
})

describe('a dataset of tensors', () => {
  const images = () => randn([4, 2])

  it('has labels of its own', () => {
    const labels = zeros([4], { dtype: 'int64' })
    const dataset = Dataset.from(images(), labels)
    labels.fill_(1e15)
    expect(dataset.batch([3]).labels.toArray()).to.deep.equal([0])
  })

  it('refuses to read images that were written to since', () => {
    const pixels = images()
    const dataset = Dataset.from(pixels, zeros([4], { dtype: 'int64' }))
    dataset.batch([0])
    noGrad(() => pixels.fill_(7))
    const error = refusal(() => dataset.batch([0]))
    expect(error.code).to.equal('ERR_ARGUMENT')
    expect(error.message).to.include('written to after it was made')
    expect(refusal(() => dataset.slice(0, 2))).to.include({ code: 'ERR_ARGUMENT' })
  })
})
