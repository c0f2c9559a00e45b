import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { loadNetwork } from '../../lib/nn/load.js'
import { expectRefused, stopAt, torchPrune } from './command.js'
import { tinyRecipe } from './tiny.js'
import { trainedRun } from './trained.js'

describe('torch-prune, from a trained network,', function () {
  this.timeout(120_000)
  const { box, recipe, weights, common, json, done } = trainedRun()

  describe('prune by a criterion of choice', () => {
    const args = (out: string, ...more: string[]) => [
      ...[
        'prune',
        recipe,
        '--weights',
        weights,
        '--rounds',
        '1',
        '--retrain-epochs',
        '1',
        '--out',
        box.path(out),
      ],
      ...[...common, ...more],
    ]

    it('keeps what each says', async () => {
      await done(args('fisher', '--criterion', 'fisher', '--density', '0.25'))
      const layers = json('fisher', 'run.json').layers
      expect(layers[0].kept + layers[1].kept).to.equal(Math.round(0.25 * 1776))
      await done(args('filter', '--criterion', 'filter-norm', '--density', 'fc1=0.5'))
      const [fc1, fc2] = json('filter', 'run.json').layers
      expect([fc1.kept, fc2.kept], 'twelve whole neurons').to.deep.equal([12 * 64, 240])
      await done(args('layer', '--select', 'density', '--density', '0.5', '--layers', 'fc2'))
      expect(
        json('layer', 'run.json').layers.map(({ density }: { density: number }) => density),
      ).to.deep.equal([1, 0.5])
      await done(args('alternate', '--select', 'global', '--density', '0.5', '--phases', 'alternate'))
      await done(args('nm', '--nm', '2:4', '--criterion', 'fisher'))
      for (const { density } of json('nm', 'run.json').layers) expect(density).to.equal(0.5)
    })

    it('refuses what does not go together', async () => {
      const refused = (message: RegExp, ...more: string[]) => expectRefused(args('none', ...more), message)
      await refused(
        /--select deviation needs --quality, as 1\.2/,
        '--select',
        'deviation',
        '--density',
        '0.1',
      )
      await refused(
        /--select global needs one --density for all layers, as 0\.1/,
        ...['--select', 'global', '--density', 'fc1=0.1'],
      )
      await refused(/--select density needs --density, as 0\.1 or fc1=/, '--select', 'density')
      await refused(/--criterion fisher needs --density, --quality or --nm/, '--criterion', 'fisher')
      await refused(/--layers fc needs --density, --quality or --nm/, '--layers', 'fc')
      await refused(/--nm takes how many of how many, up to 64, as 2:4, got '2'/, '--nm', '2')
      await refused(/nm: n must not be over m, got 4 of 2/, '--nm', '4:2')
      await refused(/'--nm <n:m>' cannot be used with option '--density/, '--nm', '2:4', '--density', '0.5')
      await refused(/argument 'best' is invalid/, '--criterion', 'best')
      await refused(/argument 'layer' is invalid/, '--select', 'layer')
      await refused(/phase 'conv' has nothing to train in this network/, '--phases', 'fc,conv')
    })

    it('refuses scores of a wrong shape, or that are no numbers, and loses no finished round', async () => {
      const lib = new URL('../../dist/index.js', import.meta.url).href
      const { model: _, data: __, ...plans } = tinyRecipe()
      const write = (name: string, body: string) => {
        writeFileSync(
          box.path(name),
          `import { criteria, data, network, nn, tensor } from ${JSON.stringify(lib)}
           let calls = 0
           export default {
             ...${JSON.stringify(plans)},
             model: (options) =>
               network([1, 8, 8], { flatten: nn.flatten(), fc1: nn.linear(64, 24), relu1: nn.relu(), fc2: nn.linear(24, 10) }, options),
             data: (dir) => data.mnist(dir, { validation: 80 }),
             prune: {
               criterion: criteria.scores(({ weight }) => { ${body} }).global(0.5),
               rounds: 2,
               retrain: { epochs: 1 },
             },
           }`,
        )
        return box.path(name)
      }
      for (const [name, body, message] of [
        ['shape.mjs', 'return tensor([1, 2])', /score.*shape/],
        ['nan.mjs', 'return ++calls > 2 ? weight.mul(NaN) : weight.abs()', /NaN|not a number/i],
        ['nothing.mjs', 'return undefined', /the scores of 'fc1' must be a tensor, got undefined/],
      ] as const) {
        const out = box.path(name.replace('.mjs', '-run'))
        const { code, stderr } = await torchPrune(['run', write(name, body), '--out', out, ...common])
        expect(stderr).to.match(/^torch-prune: [^\n]+\n$/)
        expect(stderr).to.match(message)
        expect(code).to.equal(2)
        const state = JSON.parse(readFileSync(`${out}/checkpoint/state.json`, 'utf8'))
        expect(state.rounds).to.have.length(name === 'nan.mjs' ? 1 : 0)
      }
    })
  })

  it('trains to an average of the weights, with a rate that warms up and labels smoothed', async () => {
    const out = box.path('averaged')
    const aids = ['--averaging', 'ema=0.9', '--warmup', '0.2', '--label-smoothing', '0.1']
    const decay = ['--weight-decay', '0.001', '--l2', '0.002']
    await done(['train', recipe, '--out', out, ...common, ...aids, ...decay])
    const [, dense] = JSON.parse(json('averaged', 'checkpoint', 'state.json').plan)
    expect(dense.averaging).to.deep.equal({ kind: 'ema', decay: 0.9 })
    expect(dense.optimizer.weightDecay).to.equal(0.001)
    expect(dense.regularization).to.deep.equal({ kind: 'l2', strength: 0.002 })
    using network = await loadNetwork(`${out}/reference.safetensors`)
    expect(network.parameterCount).to.equal(1810)
    const refused = (value: string, message: RegExp) =>
      expectRefused(['train', recipe, '--out', box.path('none'), ...common, '--averaging', value], message)
    await refused('mean', /--averaging takes ema, ema=0\.99, swa or swa=0\.5, got 'mean'/)
    await refused('ema=1', /ema: decay must be 0 or more and .*1, got 1/)
  })

  it('computes as it is told', async () => {
    const files = []
    for (const how of ['none', 'bfloat16', 'float16']) {
      const out = box.path(`autocast-${how}`)
      await done([
        'train',
        recipe,
        '--out',
        out,
        ...common,
        '--memory-format',
        'channels-last',
        '--autocast',
        how,
      ])
      files.push(readFileSync(`${out}/reference.safetensors`))
    }
    expect(new Set(files.map((file) => file.toString('latin1'))).size).to.equal(3)
  })

  it('says what was written when it is stopped', async () => {
    const out = box.path('stopped')
    const densities = Array.from({ length: 2000 }, (_, i) => 1 - i / 2500).join()
    const args = [
      'sensitivity',
      recipe,
      '--weights',
      weights,
      '--out',
      out,
      '--densities',
      densities,
      ...common,
    ]
    const { code, stderr } = await stopAt(/./, 'SIGINT', args)
    // The signal may come behind the first points, which are kept.
    const points = existsSync(box.path('stopped', 'sensitivity-parts.json'))
      ? json('stopped', 'sensitivity-parts.json').parts.length
      : 0
    if (points === 0) expect(stderr).to.equal('torch-prune: interrupted: nothing was written\n')
    else expect(stderr).to.include(`torch-prune: interrupted: ${points} points are saved; go on with: `)
    expect(code).to.equal(130)
  })
})
