import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { readCoded } from '../../lib/coded/index.js'
import { mnist } from '../../lib/data/mnist.js'
import { loadNetwork } from '../../lib/nn/load.js'
import { parseRecipe } from '../../lib/recipes/json.js'
import { runRecipe } from '../../lib/recipes/run.js'
import { readRunLog } from '../../lib/report/log.js'
import { CODED_FILE, REPORT_FILE } from '../../lib/runs/files.js'
import { toBytes } from '../../lib/tensor/bytes.js'
import { temporaryFolder } from '../cli/command.js'
import { tinyRecipe, writeTinyMnist } from '../cli/tiny.js'

describe('a recipe that shares values and codes its result', function () {
  this.timeout(60_000)
  const box = temporaryFolder()
  after(() => box.dispose())

  for (const profile of ['compact', 'huffman'] as const) {
    it(`records what the file holds, as plain JavaScript reads it: ${profile}`, async () => {
      const data = writeTinyMnist(box.path('mnist'), { train: 200, test: 100 })
      const plan = { ...tinyRecipe(), quantize: { values: 4, retrain: { epochs: 1 } }, code: { profile } }
      const out = box.path(profile)
      const { record } = await runRecipe(parseRecipe(plan, 'tiny'), { data, out, threads: 1 })
      const { coded, reference, quantized } = record
      const path = join(out, CODED_FILE)
      expect(coded).to.include({ profile, bytes: statSync(path).size })
      expect(coded!.ratio).to.equal((4 * reference.parameters) / coded!.bytes)
      expect(coded!.top1Error).to.equal(quantized!.top1Error)

      const { stages } = (await readRunLog(out))!
      expect(stages.map(({ name, kind, epochs }) => [name, kind, epochs.length])).to.deep.equal([
        ['dense', 'dense', 3],
        ['round 1', 'round', 2],
        ['round 2', 'round', 2],
        ['shared values', 'shared', 1],
      ])
      expect(readFileSync(join(out, REPORT_FILE), 'utf8')).to.include('sharing values')

      const network = await readCoded(readFileSync(path))
      using test = (await mnist(data, { validation: 80 })).test
      using samples = await test.read(Array.from({ length: 100 }, (_, i) => i))
      const images = new Float32Array(toBytes(samples.images).data.buffer)
      const labels = new BigInt64Array(toBytes(samples.labels).data.buffer)
      const wrong = [...labels].filter((label, i) => {
        const outputs = network.run(images.slice(64 * i, 64 * (i + 1)))
        return outputs.indexOf(Math.max(...outputs)) !== Number(label)
      })
      expect(wrong.length).to.equal(coded!.top1Error)
      expect(readFileSync(join(out, REPORT_FILE), 'utf8')).to.include('bytes, model.tpz')
    })
  }

  it('rounds weights to int8 instead, where the plan says so', async () => {
    const data = writeTinyMnist(box.path('mnist'), { train: 200, test: 100 })
    const plan = { ...tinyRecipe(), quantize: { scheme: 'int8' }, code: {} }
    const out = box.path('int8')
    const { record } = await runRecipe(parseRecipe(plan, 'tiny'), { data, out, threads: 1 })
    expect(record.coded!.top1Error).to.equal(record.quantized!.top1Error)
    using net = await loadNetwork(join(out, CODED_FILE))
    await net.assertSealed()
    const { onnx } = { onnx: box.path('int8.onnx') }
    await net.export(onnx)
    expect(readFileSync(onnx).includes('DequantizeLinear')).to.equal(true)
    const taught = { ...plan, quantize: { scheme: 'int8', retrain: { epochs: 1 } } }
    const refused = await runRecipe(parseRecipe(taught, 'tiny'), { data, out: box.path('refused') }).catch(
      String,
    )
    expect(refused).to.match(/scheme 'int8' weights share no values/)
  })
})
