import { readdirSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { readRunRecord } from '../../lib/runs/record.js'
import { readSensitivity } from '../../lib/runs/sensitivity_record.js'
import { readTradeoff } from '../../lib/runs/tradeoff_record.js'
import { writePictures } from '../../scripts/imagenet/pictures.js'
import { temporaryFolder, torchPrune } from './command.js'
import { tinyRecipe, writeTinyMnist } from './tiny.js'

describe('torch-prune --json', function () {
  this.timeout(120_000)
  const box = temporaryFolder()
  const recipe = box.path('tiny.json')
  const run = box.path('run')
  const weights = box.path('run', 'reference.safetensors')
  const common = ['--data', box.path('mnist'), '--threads', '1', '--json']
  /** The one document that a command prints, and what it says beside. */
  const printed = async (...args: string[]) => {
    const { code, stdout, stderr } = await torchPrune(args)
    expect(code, stderr).to.equal(0)
    return { value: JSON.parse(stdout), stderr }
  }
  before(async () => {
    writeTinyMnist(box.path('mnist'))
    writeFileSync(recipe, JSON.stringify(tinyRecipe({ denseEpochs: 1, rounds: 1, epochs: 1 })))
  })
  after(() => box.dispose())

  it('prints the record of a run alone on stdout, and progress on stderr', async () => {
    const { value, stderr } = await printed('run', recipe, '--out', run, ...common)
    expect(value).to.deep.equal({ kind: 'run', folder: run, run: await readRunRecord(run) })
    expect(stderr).to.match(/^tiny, seed 0, cpu, 1 thread, into /)
    expect(stderr).to.match(/^round 1\/1 /m)
    const again = await printed('run', recipe, '--out', run, '--resume', ...common)
    expect(again.value).to.deep.equal(value)
    expect(again.stderr).to.match(/^This run is finished/)
    expect((await printed('inspect', run, '--json')).value).to.deep.equal(value)
  })

  it('prints what training, pruning and shrinking come to', async () => {
    const trained = box.path('trained')
    const { value, stderr } = await printed('train', recipe, '--out', trained, '--quiet', ...common)
    expect(stderr).to.equal('')
    expect(value).to.include({
      kind: 'training',
      folder: trained,
      weights: `${trained}/reference.safetensors`,
    })
    expect(value.validationError).to.be.within(0, 100)
    const out = box.path('pruned')
    const pruned = await printed('prune', recipe, '--weights', weights, '--out', out, ...common)
    expect(pruned.value).to.deep.equal({ kind: 'run', folder: out, run: await readRunRecord(out) })
    const small = box.path('small.safetensors')
    const model = `${out}/model.safetensors`
    const shrunk = await printed('shrink', model, '--out', small, '--data', box.path('mnist'), '--json')
    expect(shrunk.value).to.include({ kind: 'shrink', file: small, parametersBefore: 1810 })
    expect(shrunk.value.certificate.samples).to.equal(100)
    expect(shrunk.stderr).to.equal('')
  })

  it('prints studies, and where their reports are', async () => {
    const out = box.path('sensitivity')
    const study = ['--densities', '0.5,0.1', '--budget-weights', '500', '--out', out]
    const { value } = await printed('sensitivity', recipe, '--weights', weights, ...study, ...common)
    const { thresholds, ...rest } = value
    const report = `${out}/report.html`
    expect(rest).to.deep.equal({
      ...{ kind: 'sensitivity', folder: out, report },
      sensitivity: await readSensitivity(out),
    })
    expect(thresholds.budget).to.deep.equal({ weights: 500 })
    expect(thresholds.weights).to.be.at.most(500)
    expect((await printed('report', out, '--json')).value).to.deep.equal({ kind: 'report', report })
    const folder = box.path('tradeoff')
    const small = ['--seeds', '1', '--densities', '0.3', '--retrain-epochs', '1', '--out', folder]
    const { value: tradeoff } = await printed('tradeoff', recipe, ...small, ...common)
    expect(tradeoff).to.deep.include({ kind: 'tradeoff', folder, tradeoff: await readTradeoff(folder) })
  })

  it('prints what was packed, and what was left out', async () => {
    const [pictures, out] = [box.path('pictures'), box.path('pictures.pack')]
    await writePictures(pictures, { classes: 2, train: 2, held: 1, side: 16 })
    const [name] = readdirSync(`${pictures}/val`)
    writeFileSync(`${pictures}/val/${name}/broken.jpg`, 'no picture')
    const { value, stderr } = await printed('pack', pictures, '--out', out, '--resize', '16', '--json')
    expect(value).to.include({ kind: 'pack', file: out, images: 6, classes: 2 })
    expect(value.skipped).to.have.length(1)
    expect(value.skipped[0].reason).to.include('broken.jpg')
    expect(stderr).to.match(/^pack /)
  })

  it('leaves stdout empty where a command fails, with its exit code', async () => {
    const cases: [args: string[], code: number][] = [
      [['inspect', box.path('none'), '--json'], 2],
      [['run', recipe, '--out', run, ...common], 2],
      [['report', box.path('mnist'), '--json'], 2],
    ]
    for (const [args, code] of cases) {
      const outcome = await torchPrune(args)
      expect(outcome).to.include({ code, stdout: '' })
      expect(outcome.stderr).to.match(/^torch-prune: [^\n]+\n$/)
    }
    const env = { TORCH_PRUNE_ADDON: box.path('nowhere') }
    const { code, stdout } = await torchPrune(['doctor', '--json'], { env })
    expect(code).to.equal(1)
    expect(JSON.parse(stdout)).to.include({ ok: false })
  })
})
