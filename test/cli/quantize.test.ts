import { statSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { readSafetensors } from '../../lib/formats/safetensors.js'
import { expectRefused, temporaryFolder, torchPrune } from './command.js'
import { tinyRecipe, writeTinyMnist } from './tiny.js'

describe('torch-prune quantize', function () {
  this.timeout(60_000)
  const box = temporaryFolder()
  const data = box.path('mnist')
  const run = box.path('run')
  const model = box.path('run', 'model.safetensors')
  const out = box.path('small.safetensors')
  /** As a recipe's stage, too. */
  const quantize = { bits: { fc1: 3, fc2: 2 }, retrain: { epochs: 2 }, biases: 'float16' }
  const done = async (...args: string[]) => {
    const { code, stdout, stderr } = await torchPrune(args)
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
    return stdout
  }
  before(async () => {
    writeTinyMnist(data)
    const recipe = { ...tinyRecipe(), quantize }
    writeFileSync(box.path('tiny.json'), JSON.stringify(recipe))
    writeFileSync(box.path('plain.json'), JSON.stringify(tinyRecipe()))
    await done('run', box.path('tiny.json'), '--data', data, '--out', run, '--threads', '1')
  })
  after(() => box.dispose())

  it('clusters, retrains, tells of it, and leaves a file that says what it holds', async () => {
    const recipe = box.path('plain.json')
    const args = [model, '--out', out, '--recipe', recipe, '--data', data, '--threads', '1']
    const stdout = await done('quantize', ...args, '--values', 'fc1=6,fc2=4', '--epochs', '2')
    expect(stdout).to.match(/^values {2}fc1 6, fc2 4 {2}validation error [\d.]+% → [\d.]+%$/m)
    expect(stdout).to.match(/^retrain {2}2\/2 epochs/m)
    expect(stdout).to.match(/^fc1 .* 6 +3 /m)
    expect(stdout).to.match(/^test error [\d.]+% → [\d.]+%$/m)
    const { tensors } = await readSafetensors(out)
    expect(tensors.get('fc1.weight_codebook')!.shape).to.deep.equal([7])
    const inspected = await done('inspect', out)
    expect(inspected).to.match(/^fc2 .* 4 +2 /m)
    const json = JSON.parse(await done('inspect', out, '--json'))
    expect(json.layers[0].size).to.include({ name: 'fc1', values: 6, bits: 3, gapBits: 5 })
  })

  it('finds numbers of values for a budget, and prints figures as JSON', async () => {
    const args = [
      '--out',
      out,
      '--data',
      data,
      '--recipe',
      box.path('plain.json'),
      '--epochs',
      '0',
      '--threads',
      '1',
      '--json',
      '--quiet',
    ]
    const all = JSON.parse(await done('quantize', model, ...args, '--bits', '6'))
    expect(all).to.include({ kind: 'quantize', file: out })
    const bytes = Math.round(all.bytes * 0.85)
    const less = JSON.parse(await done('quantize', model, ...args, '--budget-bytes', String(bytes)))
    expect(less.bytes).to.be.at.most(bytes)
    expect(less.testError).to.be.within(0, 100)
  })

  it('is a stage of recipes', async () => {
    const { tensors } = await readSafetensors(box.path('run', 'quantized.safetensors'))
    expect(tensors.get('fc1.weight_codebook')!.shape).to.deep.equal([9])
    const { run: record } = JSON.parse(await done('inspect', run, '--json'))
    expect(record.quantized.layers.map((layer: { values: number }) => layer.values)).to.deep.equal([8, 4])
    expect(record.quantized.top1Error).to.be.within(0, 100)
    expect(record.quantized.ratio).to.be.closeTo(
      (4 * record.reference.parameters) / record.quantized.bytes,
      0.1,
    )
    expect(await done('inspect', run)).to.match(/^top-1 error, quantized +[\d.]+%$/m)
    const pruned = await readSafetensors(model)
    expect(pruned.tensors.has('fc1.weight_codebook')).to.equal(false)
  })

  it('rounds to int8, which an ONNX model stores as bytes', async () => {
    const to = ['--data', data, '--recipe', box.path('plain.json'), '--threads', '1']
    const int8 = box.path('int8.safetensors')
    const stdout = await done('quantize', model, ...to, '--scheme', 'int8', '--out', int8)
    expect(stdout).to.match(/^int8 {2}validation error [\d.]+% → [\d.]+%$/m)
    expect(stdout).to.match(/^fc1 .* own +8 /m)
    expect(stdout).to.match(/^validation error [\d.]+% → [\d.]+%, as it came, rounded$/m)
    const [small, large] = [box.path('int8.onnx'), box.path('float32.onnx')]
    await done('export', int8, '--format', 'onnx', '--out', small)
    await done('export', model, '--format', 'onnx', '--out', large)
    expect(statSync(small).size).to.be.below(0.4 * statSync(large).size)
    const refused = ['quantize', model, ...to, '--scheme', 'int8', '--out', int8]
    await expectRefused([...refused, '--bits', '4'], /--bits is for --scheme shared, not int8/)
    await expectRefused([...refused, '--batch-size', '4'], /--batch-size is for --scheme shared/)
  })

  it('refuses what cannot be, in one line', async () => {
    const to = ['--out', out, '--data', data, '--recipe', box.path('plain.json'), '--quiet']
    await expectRefused(
      ['quantize', model, '--out', model],
      /is the network that is read: choose another --out/,
    )
    await expectRefused(
      ['quantize', model, ...to, '--bits', '3', '--values', '4'],
      /'--values <n>' cannot be used with .*'--bits <n>'|cannot be used with/,
    )
    await expectRefused(
      ['quantize', model, ...to, '--bits', 'fc9=3'],
      /bits names 'fc9', which is no layer with weights/,
    )
    await expectRefused(
      ['quantize', model, ...to, '--budget-bytes', '10'],
      /a budget of 10 bytes cannot be met: the nearest is \d+ bytes/,
    )
    writeFileSync(
      box.path('wrong.json'),
      JSON.stringify({ ...tinyRecipe(), quantize: { ...quantize, values: 4 } }),
    )
    await expectRefused(
      ['run', box.path('wrong.json'), '--data', data, '--out', box.path('wrong')],
      /one of values, bits and budget/,
    )
  })
})
