import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import sharp from 'sharp'
import { loadNetwork } from '../../lib/nn/load.js'
import { readSensitivity } from '../../lib/runs/sensitivity_record.js'
import { readTradeoff } from '../../lib/runs/tradeoff_record.js'
import { expectRefused, stopAt, torchPrune } from './command.js'
import { trainedRun } from './trained.js'

describe('torch-prune, studying,', function () {
  this.timeout(120_000)
  const { box, recipe, weights, model, common, json, done } = trainedRun()
  /** Expects the SVG and the PNG of each chart, with something in them. */
  const expectCharts = async (folder: string, ids: readonly string[]) => {
    const files = ids.flatMap((id) => [`${id}.png`, `${id}.svg`])
    expect(readdirSync(box.path(folder, 'figures'))).to.include.members(files)
    for (const id of ids) {
      expect(readFileSync(box.path(folder, 'figures', `${id}.svg`), 'utf8')).to.match(
        /^<svg[\s\S]*<\/svg>\n$/,
      )
      const { width } = await sharp(box.path(folder, 'figures', `${id}.png`)).metadata()
      expect(width).to.be.above(400)
    }
  }

  describe('sensitivity', () => {
    const args = (out: string, ...more: string[]) => [
      ...['sensitivity', recipe, '--weights', weights, '--out', box.path(out), ...common, ...more],
    ]

    it('leaves table, JSON, CSV, charts and thresholds for a budget', async () => {
      const grid = ['--densities', '0.1,0.5,0.2']
      const { stdout } = await done(args('sensitivity', ...grid, '--error-increase', '5'))
      expect(stdout).to.match(/^sensitivity-tiny, seed 0, cpu, 1 thread, into /)
      expect(stdout).to.match(/^kept +fc1 +fc2$/m)
      expect(stdout).to.match(/^ *50% +\S+% +\S+%$/m)
      expect(stdout).to.match(/^as an option of prune: --density fc1=[\d.]+,fc2=[\d.]+$/m)
      const study = (await readSensitivity(box.path('sensitivity')))!
      expect(
        study.layers.map(({ name, points }) => [name, ...points.map(({ density }) => density)]),
      ).to.deep.equal([
        ['fc1', 0.5, 0.2, 0.1],
        ['fc2', 0.5, 0.2, 0.1],
      ])
      const [head, ...lines] = readFileSync(box.path('sensitivity', 'sensitivity.csv'), 'utf8')
        .trim()
        .split('\n')
      expect(head).to.equal('layer,density,validation_error')
      const [fc1] = study.layers
      expect(lines).to.have.length(8)
      expect(lines[3]).to.equal(`fc1,0.1,${fc1!.points[2]!.validationError}`)
      const solved = json('sensitivity', 'thresholds.json')
      expect(solved.budget).to.deep.equal({ errorIncrease: 5 })
      expect(solved.errorIncrease).to.be.at.most(5)
      expect(Object.keys(solved.quality)).to.deep.equal(['fc1', 'fc2'])
      await expectCharts('sensitivity', ['sensitivity-fc'])
      expect(study.made).to.include({ seed: 0, device: 'cpu', threads: 1 })
      expect(study.made!.command).to.match(/^torch-prune sensitivity .*--error-increase 5$/)
      const page = readFileSync(box.path('sensitivity', 'report.html'), 'utf8')
      expect(page).to.include('Thresholds for 5 more points of error')
    })

    it('solves densities that prune to what the budget says', async () => {
      await done(args('budget', '--budget-weights', '600'))
      const { weights: wanted, densities } = json('budget', 'thresholds.json')
      expect(wanted).to.be.at.most(600)
      const list = Object.entries(densities).map(([layer, value]) => `${layer}=${value}`)
      const out = ['--out', box.path('solved'), '--rounds', '1', '--retrain-epochs', '1', ...common]
      await done(['prune', recipe, '--weights', weights, '--density', list.join(), ...out])
      for (const { name, weights, kept } of json('solved', 'run.json').layers) {
        expect(kept, name).to.equal(Math.round(densities[name] * weights))
      }
    })

    it('goes on where it was stopped, with the same weights alone', async () => {
      const grid = ['--densities', Array.from({ length: 300 }, (_, i) => (300 - i) / 300).join()]
      const stopped = await stopAt(/ 30\/600 points/, 'SIGINT', args('halted', ...grid))
      expect(stopped.code).to.equal(130)
      const [, count] = stopped.stderr.match(
        /^torch-prune: interrupted: (\d+) points are saved; go on with: torch-prune sensitivity .*\n$/,
      )!
      expect(json('halted', 'sensitivity-parts.json').parts).to.have.length(Number(count))
      await expectRefused(
        args('halted', ...grid).with(3, model),
        /halted holds a study with other options: repeat those to continue, or choose another --out/,
      )
      const { stdout } = await done(args('halted', ...grid))
      expect(stdout).to.include(`Going on after ${count} points that are saved.`)
      expect(stdout).not.to.match(/ 30\/600 points/)
      expect(existsSync(box.path('halted', 'sensitivity-parts.json'))).to.equal(false)
      await done(args('unhalted', ...grid))
      const points = (out: string) => ({
        ...json(out, 'sensitivity.json'),
        made: undefined,
        checksum: undefined,
      })
      expect(points('halted')).to.deep.equal(points('unhalted'))
    })

    it('refuses grids and budgets that cannot be, before it computes', async () => {
      const refused = async (message: RegExp, ...more: string[]) => {
        await expectRefused(args('none', ...more), message)
        expect(existsSync(box.path('none'))).to.equal(false)
      }
      for (const grid of ['1.5', '0.5,0', '-0.1', '0.5,', 'half']) {
        await refused(
          /--densities takes numbers over 0 and up to 1, as 0\.5,0\.2,0\.1, got '/,
          '--densities',
          grid,
        )
      }
      await refused(
        /a budget of 10 weights cannot be met: the nearest is 17; study lower densities, or allow a lower least density/,
        ...['--budget-weights', '10'],
      )
      await refused(
        /a budget of 100 bytes cannot be met: the nearest is \d+/,
        ...['--budget-bytes', '100', '--densities', '0.5'],
      )
      await refused(
        /'--budget-weights <n>' cannot be used with option '--budget-bytes <n>'/,
        '--budget-bytes',
        '900',
        '--budget-weights',
        '9',
      )
    })

    it('refuses weights that are not there, or of another network', async () => {
      const other = (file: string) => args('none').with(3, file)
      await expectRefused(other(box.path('nowhere')), /nowhere: does not exist/)
      await expectRefused(other(recipe), /tiny\.json: /)
      expect(existsSync(box.path('none'))).to.equal(false)
    })
  })

  describe('tradeoff', () => {
    const args = (out: string, ...more: string[]) => [
      ...[
        'tradeoff',
        recipe,
        '--out',
        box.path(out),
        '--densities',
        '0.5,0.2',
        '--retrain-epochs',
        '2',
        ...common,
      ],
      ...more,
    ]
    const results = (out: string) => json(out, 'tradeoff.json').curves

    it('leaves five curves as table, JSON and chart, with mean and spread over seeds', async () => {
      const { stdout } = await done(args('whole', '--seeds', '2'))
      expect(stdout).to.match(/^kept +L2 alone +L1 alone +L1 retrained +L2 retrained +L2 iterated$/m)
      expect(stdout).to.match(/^ *20%( +[+-]\d+\.\d\d ±\d+\.\d\d){5}$/m)
      const { curves } = (await readTradeoff(box.path('whole')))!
      expect(curves).to.have.length(5)
      for (const { seeds, points } of curves) {
        expect(seeds).to.deep.equal([0, 1])
        for (const { losses, mean, spread } of points) {
          const [a, b] = losses as [number, number]
          expect(mean).to.be.closeTo((a + b) / 2, 1e-9)
          expect(spread).to.be.closeTo(Math.abs(a - b) / Math.SQRT2, 1e-9)
        }
      }
      await expectCharts('whole', ['tradeoff'])
    })

    it('goes on curve by curve where it was stopped, to the same numbers', async () => {
      const long = ['--seeds', '2', '--retrain-epochs', '40']
      const stopped = await stopAt(/ 3\/10 curves/, 'SIGINT', args('broken', ...long))
      expect(stopped.code).to.equal(130)
      expect(stopped.stderr).to.match(
        /^torch-prune: interrupted: \d curves are saved; go on with: torch-prune tradeoff .*\n$/,
      )
      const saved = json('broken', 'tradeoff-parts.json').parts
      expect(saved.length).to.be.within(3, 9)
      await expectRefused(
        args('broken', ...long, '--l2', '0.01'),
        /broken holds a study with other options: repeat those to continue, or choose another --out/,
      )
      const { stdout } = await done(args('broken', ...long))
      expect(stdout).to.include(`Going on after ${saved.length} curves that are saved.`)
      expect(stdout).not.to.match(/ 3\/10 curves/)
      expect(json('broken', 'tradeoff-parts.json').parts.slice(0, saved.length)).to.deep.equal(saved)
      await done(args('unbroken', ...long))
      expect(results('broken')).to.deep.equal(results('unbroken'))
    })

    it('refuses a density that leaves a layer nothing, and keeps the curves before it', async () => {
      const tight = args('tight', '--seeds', '1').with(5, '0.5,0.0001')
      const { code, stderr } = await torchPrune(tight)
      expect(code).to.equal(2)
      expect(stderr).to.match(/^torch-prune: the criterion prunes every weight of 'fc\d\.weight'[^\n]*\n$/)
      await expectRefused(args('none').with(5, '1.01'), /--densities takes numbers over 0 and up to 1/)
    })

    it('refuses curves that are half-written or of another schema, and leaves them', async () => {
      for (const [content, message] of [
        ['{"schema":1,"pl', /tradeoff-parts\.json: is half-written or damaged; make it again, or delete it/],
        ['{"schema":9,"plan":"","parts":[]}', /tradeoff-parts\.json: is damaged: schema: /],
      ] as const) {
        mkdirSync(box.path('odd'), { recursive: true })
        writeFileSync(box.path('odd', 'tradeoff-parts.json'), content)
        await expectRefused(args('odd'), message)
        expect(readFileSync(box.path('odd', 'tradeoff-parts.json'), 'utf8')).to.equal(content)
      }
    })
  })

  describe('shrink', () => {
    const small = box.path('small.safetensors')

    it('leaves a smaller network that says the same', async () => {
      const { stdout } = await done(['shrink', model, '--out', small, '--data', box.path('mnist')])
      expect(stdout).to.match(/^layer +neurons +dead +left$/m)
      expect(stdout).to.match(/^1\.81K parameters before, \S+ after \(\S+×\)$/m)
      // Whether sums over fewer neurons round otherwise is the processor's.
      expect(stdout).to.match(
        /^Over 100 test samples outputs (did not move|moved by at most \S+e-\d+ of the largest output)\.$/m,
      )
      using network = await loadNetwork(small)
      expect(network.parameterCount).to.be.below(1810)
      await network.assertSealed()
    })

    it('compares on the test set of a recipe, and says when it cannot compare', async () => {
      const args = ['shrink', model, '--out', small]
      const { stdout } = await done([...args, '--certify', recipe, '--data', box.path('mnist')])
      expect(stdout).to.match(/^Over 100 test samples/m)
      expect((await done(args)).stdout).to.match(
        /^Outputs were not compared: give test samples with --certify or --data\.$/m,
      )
    })

    it('refuses what is no network, and to write over what it reads', async () => {
      const before = readFileSync(model)
      await expectRefused(
        ['shrink', model, '--out', model],
        /is the network that is read: choose another --out/,
      )
      expect(readFileSync(model)).to.deep.equal(before)
      await expectRefused(['shrink', recipe, '--out', small], /tiny\.json: /)
      await expectRefused(
        ['shrink', model, '--out', box.path('no', 'small.safetensors')],
        /cannot be written, the folder .* does not exist/,
      )
    })
  })

  describe('report', () => {
    const copy = (name: string) => {
      rmSync(box.path(name), { recursive: true, force: true })
      cpSync(box.path('run'), box.path(name), { recursive: true })
      return box.path(name)
    }

    it('writes page and charts again, with the studies in the folder', async () => {
      const folder = copy('again')
      rmSync(box.path('again', 'report.html'))
      rmSync(box.path('again', 'figures'), { recursive: true })
      await done(['sensitivity', recipe, '--weights', weights, '--out', folder, ...common])
      const { stdout } = await done(['report', folder])
      expect(stdout).to.match(/^The report is in \S+report\.html\n$/)
      const page = readFileSync(box.path('again', 'report.html'), 'utf8')
      for (const id of ['error', 'neurons', 'sensitivity-fc', 'energy']) expect(page).to.include(`id="${id}"`)
      await expectCharts('again', ['error', 'neurons', 'sensitivity-fc', 'energy', 'files', 'training-loss'])
    })

    it('refuses a record that is half-written, of another schema, or not there, and loses nothing', async () => {
      const folder = copy('broken-run')
      const page = readFileSync(box.path('broken-run', 'report.html'))
      const text = readFileSync(box.path('run', 'run.json'), 'utf8')
      for (const [content, message] of [
        [text.slice(0, text.length / 2), /run\.json: is half-written or damaged; write it again by running/],
        [
          text.replace('"schema": 1', '"schema": 2'),
          /run\.json: has schema 2 but this torch-prune reads 1; update/,
        ],
        [text.replace('"seed": 0', '"seed": -1'), /run\.json: is damaged: seed: /],
      ] as const) {
        writeFileSync(box.path('broken-run', 'run.json'), content)
        await expectRefused(['report', folder], message)
        expect(readFileSync(box.path('broken-run', 'run.json'), 'utf8')).to.equal(content)
        expect(readFileSync(box.path('broken-run', 'report.html'))).to.deep.equal(page)
      }
      await expectRefused(
        ['report', box.path('mnist')],
        /run\.json: does not exist; give the folder of a finished run/,
      )
      writeFileSync(box.path('broken-run', 'run.json'), text)
      writeFileSync(box.path('broken-run', 'sensitivity.json'), '{"schema":1,"mod')
      await expectRefused(['report', folder], /sensitivity\.json: is half-written or damaged/)
    })
  })
})
