import { expect } from 'chai'
import { linear } from '../../lib/nn/layers/index.js'
import { Network } from '../../lib/nn/network.js'
import { measureResident } from '../../lib/studies/resident.js'
import { temporaryFolder } from '../cli/command.js'

describe('the resident memory of an engine', function () {
  // A process starts from the sources in seconds.
  this.timeout(120_000)
  const box = temporaryFolder()
  after(() => box.dispose())
  const shape = [1, 2048]
  const bytesOf = async (file: string, library: 'torch-prune' | 'onnxruntime') => {
    const found = await measureResident({ library, file, shape, threads: 1 })
    return 'bytes' in found ? found.bytes : expect.fail(found.error)
  }

  it('holds its weights, and not those that this process has', async () => {
    using net = new Network([2048], { fc: linear(2048, 2048) })
    using session = await net.compile({ threads: 1, forms: ['dense'] })
    const file = box.path('dense.safetensors')
    await session.save(file)
    const weights = 4 * 2048 * 2048
    // What this process holds would be more than the bound below.
    const ballast = Buffer.alloc(20 * weights, 1)
    expect(await bytesOf(file, 'torch-prune')).to.be.within(weights, 10 * weights)
    const onnx = box.path('network.onnx')
    await net.export(onnx)
    expect(await bytesOf(onnx, 'onnxruntime')).to.be.within(weights, 10 * weights)
    expect(ballast[0]).to.equal(1)
  })

  it('is not known where its process fails, which says why', async () => {
    const engine = { library: 'torch-prune', file: box.path('none'), shape, threads: 1 } as const
    const failed = await measureResident(engine)
    expect(failed)
      .to.have.keys('error')
      .with.property('error')
      .match(/none: does not exist/)
    const stopped = await measureResident(engine, AbortSignal.abort())
    expect(stopped).to.have.keys('error')
  })
})
