import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { packImages } from '../../lib/data/packed.js'
import { readSafetensors } from '../../lib/formats/safetensors.js'
import { type RunEvent, readEvents } from '../../lib/runs/events.js'
import { readRunRecord } from '../../lib/runs/record.js'
import { writePictures } from '../../scripts/imagenet/pictures.js'
import { expectRefused, torchPrune } from './command.js'
import { tinyRecipe } from './tiny.js'
import { tinyRuns } from './tiny_runs.js'

describe('torch-prune run', function () {
  this.timeout(120_000)
  const { box, data, args } = tinyRuns()

  describe('to its end', () => {
    let stdout: string
    const folder = box.path('whole')
    before(async () => {
      const outcome = await torchPrune(args('whole'))
      expect(outcome.stderr).to.equal('')
      expect(outcome.code).to.equal(0)
      stdout = outcome.stdout
    })

    it('prints an epoch a line, the rounds, and what is left of each layer', () => {
      expect(stdout).to.match(/^dense {2}3\/3 epochs {2}loss \S+ {2}error \S+%/m)
      expect(stdout).to.match(/^round 2\/2 {2}kept 20\.0% {2}\S+× {2}validation error \S+ → \S+/m)
      expect(stdout).to.match(/^fc1 +1\.54K +3\.07K( +[\d.]+){3}$/m)
      expect(stdout).to.match(/^compression +\d.*×$/m)
      for (const line of stdout.split('\n')) expect(line.length, line).to.be.below(80)
      expect(stdout).not.to.include('\x1b')
    })

    it('writes the folder of the design', async () => {
      expect(readdirSync(folder).sort()).to.deep.equal([
        'checkpoint',
        'events.jsonl',
        'figures',
        'model.safetensors',
        'reference.safetensors',
        'report.html',
        'run.json',
      ])
      const record = await readRunRecord(folder)
      expect(record).to.include({ schema: 1, recipe: 'tiny', seed: 0, device: 'cpu', threads: 1 })
      expect(record.layers.map((layer) => [layer.name, layer.kind, layer.weights, layer.flop])).to.deep.equal(
        [
          ['fc1', 'fc', 1536, 3072],
          ['fc2', 'fc', 240, 480],
        ],
      )
      const kept = record.layers.reduce((sum, layer) => sum + layer.kept, 0)
      expect(kept).to.equal(Math.round(0.2 * 1776))
      expect(record.reference.parameters).to.equal(1776 + 34)
      expect(record.pruned.compression).to.be.closeTo(1810 / record.pruned.parameters, 1e-12)
      expect(record.rounds.map((round) => round.round)).to.deep.equal([1, 2])
      expect(record.pruned.top1Error).to.equal(record.rounds[1]!.top1Error)
      const [start] = await readEvents(folder)
      const parts = { train: 320, validation: 80, test: 100 }
      expect(start).to.deep.include({ host: hostname(), data: { name: 'mnist', path: data, ...parts } })
      const { command, settings } = start as Extract<RunEvent, { event: 'start' }>
      expect(command).to.match(/^torch-prune run .*tiny.json .*--out /)
      expect(settings).to.have.nested.property('prune.retrain.distillation.temperature', 2)
      const events = (await readEvents(folder)).map((event) => event.event)
      const round = ['prune', 'epoch', 'epoch', 'round', 'checkpoint']
      expect(events).to.deep.equal(['start', 'epoch', 'epoch', 'epoch', ...round, ...round, 'end'])
    })

    it('leaves +0, bit for bit, in every pruned place of every file', async () => {
      const files = [
        'model.safetensors',
        ...readdirSync(join(folder, 'checkpoint')).map((name) => `checkpoint/${name}`),
      ]
      const saved = files.filter((name) => name.endsWith('.safetensors'))
      expect(saved).to.have.length(5)
      for (const file of saved) {
        const { tensors } = await readSafetensors(join(folder, file))
        for (const layer of ['fc1', 'fc2']) {
          const mask = tensors.get(`${layer}.weight_mask`)!.data
          const bits = new Uint32Array(tensors.get(`${layer}.weight`)!.data.buffer)
          expect(mask.includes(0)).to.equal(true)
          expect(mask.every((keep, i) => keep === 1 || bits[i] === 0)).to.equal(true)
        }
      }
    })

    it('learns what the data has to teach, and keeps it', async () => {
      const { reference, pruned } = await readRunRecord(folder)
      expect(reference.top1Error).to.be.below(20)
      expect(pruned.top1Error).to.be.below(30)
    })

    it('is shown again by --resume, which computes nothing', async () => {
      const before = readFileSync(join(folder, 'run.json'))
      const again = await torchPrune(args('whole', '--resume'))
      expect(again.code).to.equal(0)
      expect(again.stdout).to.match(/^This run is finished/)
      expect(again.stdout).to.match(/^compression +\d.*×$/m)
      expect(readFileSync(join(folder, 'run.json'))).to.deep.equal(before)
    })

    it('is not overwritten by another one', async () => {
      const before = readFileSync(join(folder, 'run.json'))
      await expectRefused(
        args('whole', '--seed', '1'),
        /whole holds a run of tiny with seed 0 .*: choose another --out/,
      )
      await expectRefused(
        args('whole', '--seed', '1', '--resume'),
        /resume it with its own recipe, options and seed/,
      )
      expect(readFileSync(join(folder, 'run.json'))).to.deep.equal(before)
    })

    it('gives the same bits when it is run again', async () => {
      const before = readFileSync(join(folder, 'model.safetensors'))
      await expectRefused(
        args('whole'),
        /whole holds this run, finished: see it with --resume, choose another --out, or replace it with --overwrite/,
      )
      const again = await torchPrune(args('whole', '--overwrite'))
      expect(again.code).to.equal(0)
      expect(again.stdout).to.include('The run there stays until this one is done')
      expect(readFileSync(join(folder, 'model.safetensors'))).to.deep.equal(before)
    })
  })

  it('is silent with --quiet', async () => {
    expect(await torchPrune(args('quiet', '--quiet'))).to.deep.equal({ code: 0, stdout: '', stderr: '' })
  })

  it('takes a recipe from a module', async () => {
    const module = box.path('recipe.mjs')
    const { model: _, data: __, ...plans } = tinyRecipe()
    const lib = new URL('../../dist/index.js', import.meta.url).href
    writeFileSync(
      module,
      `import { data, network, nn } from ${JSON.stringify(lib)}
       export default {
         ...${JSON.stringify(plans)},
         model: (options) =>
           network([1, 8, 8], { flatten: nn.flatten(), fc1: nn.linear(64, 24), relu1: nn.relu(), fc2: nn.linear(24, 10) }, options),
         data: (dir) => data.mnist(dir, { validation: 80 }),
       }`,
    )
    const { code, stderr } = await torchPrune([
      'run',
      module,
      '--data',
      data,
      '--out',
      box.path('module'),
      '--threads',
      '1',
    ])
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
    expect((await readRunRecord(box.path('module'))).recipe).to.equal('tiny')
  })

  it('reads a folder of images, and one that was packed', async () => {
    const pictures = box.path('pictures')
    await writePictures(pictures, { classes: 3, train: 8, held: 2, side: 20 })
    writeFileSync(join(pictures, 'train/class-001/broken.jpg'), 'no picture')
    const layer = (name: string, layer: object) => ({ name, layer })
    const { model: _, ...plain } = tinyRecipe({ denseEpochs: 2, rounds: 1, epochs: 1 })
    const flat = [
      layer('flatten', { kind: 'flatten' }),
      layer('fc1', { kind: 'linear', inFeatures: 3 * 16 * 16, outFeatures: 100, bias: true }),
    ]
    const images = box.path('images.json')
    const data = { kind: 'images', size: 16, resize: 18, validation: 6 }
    writeFileSync(
      images,
      JSON.stringify({ ...plain, name: 'images', model: { input: [3, 16, 16], layers: flat }, data }),
    )
    const packed = box.path('pictures.pack')
    await packImages(pictures, packed, { resize: 18, validation: 6 })
    const records = []
    for (const [out, from] of [
      ['folder', pictures],
      ['packed', packed],
    ] as const) {
      const args = ['run', images, '--data', from, '--out', box.path(out), '--threads', '1']
      const { code, stdout } = await torchPrune(args)
      expect(code).to.equal(0)
      // There are a hundred outputs, so the five best count as well.
      expect(stdout).to.match(/^top-5 error, pruned +\d/m)
      const record = await readRunRecord(box.path(out))
      records.push(record.rounds)
      // Packing left it out already.
      expect(record.skipped).to.equal(out === 'folder' ? 1 : undefined)
      const line = /^1 sample could not be read and were left out, the first: \S+broken\.jpg: /m
      if (out === 'folder') expect(stdout).to.match(line)
      else expect(stdout).not.to.match(line)
    }
    expect(records[0]![0]!.top5Error).to.be.at.most(records[0]![0]!.top1Error)
    expect(records[0]!.length).to.equal(records[1]!.length)
  })

  it('prunes in phases', async () => {
    const phases = box.path('phases.json')
    const plain = tinyRecipe()
    writeFileSync(phases, JSON.stringify({ ...plain, prune: { ...plain.prune, phases: ['fc', 'all'] } }))
    const { code, stdout } = await torchPrune([
      'run',
      phases,
      '--data',
      data,
      '--out',
      box.path('phases'),
      '--threads',
      '1',
    ])
    expect(code).to.equal(0)
    expect(stdout).to.match(/^round 1\/2 {2}2\/2 epochs {2}phase fc/m)
  })

  it('goes on when nobody reads what it prints, and says so once', async () => {
    const { code, stderr } = await torchPrune(args('unread'), {
      onOutput: (child) => child.stdout?.destroy(),
    })
    expect(stderr).to.equal('torch-prune: the output cannot be written (EPIPE); work goes on\n')
    expect(code).to.equal(0)
    expect((await readRunRecord(box.path('unread'))).recipe).to.equal('tiny')
  })
})
