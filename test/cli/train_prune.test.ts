import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { readSafetensors, writeSafetensors } from '../../lib/formats/safetensors.js'
import { readRunRecord } from '../../lib/runs/record.js'
import { expectRefused, torchPrune } from './command.js'
import { tinyRuns } from './tiny_runs.js'

describe('torch-prune', function () {
  this.timeout(60_000)
  const { box, data, recipe } = tinyRuns()
  const dense = box.path('dense', 'reference.safetensors')

  describe('train, then prune', () => {
    before(async () => {
      const options = ['--epochs', '4', '--lr', '0.05', '--batch-size', '8']
      const args = ['train', recipe, '--data', data, '--out', box.path('dense'), ...options]
      const { code, stdout, stderr } = await torchPrune(args)
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
      expect(stdout).to.match(/^dense {2}4\/4 epochs /m)
      expect(stdout).to.match(
        /^ {2}torch-prune prune \S+tiny\.json --weights \S+reference\.safetensors --data \S+mnist --lr 0\.05 --batch-size 8$/m,
      )
    })

    it('does not train over a network that is there', async () => {
      const before = readFileSync(dense)
      const args = ['--data', data, '--out', box.path('dense')]
      await expectRefused(['train', recipe, ...args], /dense holds a trained network: choose another --out/)
      await expectRefused(['run', recipe, ...args], /dense holds a trained network: choose another --out/)
      expect(readFileSync(dense)).to.deep.equal(before)
    })

    it('prunes each layer to the density that is asked for', async () => {
      const out = box.path('pruned')
      const options = [
        '--density',
        'fc1=0.1,fc2=0.5',
        '--rounds',
        '1',
        '--retrain-epochs',
        '1',
        '--lr-factor',
        '0.1',
      ]
      const args = ['prune', recipe, '--weights', dense, '--data', data, '--out', out, ...options]
      const { code, stderr } = await torchPrune(args)
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
      const record = await readRunRecord(out)
      expect(record.recipe).to.equal('prune-tiny')
      expect(record.layers.map(({ kept }) => kept)).to.deep.equal([154, 120])
      const reference = await readSafetensors(box.path('pruned', 'reference.safetensors'))
      expect(reference.tensors).to.deep.equal((await readSafetensors(dense)).tensors)
    })

    it('prunes by quality in the folder of the dense network', async () => {
      const options = ['--out', box.path('dense'), '--quality', '0.5', '--quiet']
      const args = ['prune', recipe, '--weights', dense, '--data', data, ...options]
      expect(await torchPrune(args)).to.deep.equal({ code: 0, stdout: '', stderr: '' })
      const { layers } = await readRunRecord(box.path('dense'))
      for (const { density } of layers) expect(density).to.be.within(0.2, 0.9)
    })

    it('is what run does with --weights', async () => {
      const out = box.path('given')
      const args = ['run', recipe, '--data', data, '--out', out, '--threads', '1', '--weights']
      const { code, stdout } = await torchPrune([...args, dense])
      expect(code).to.equal(0)
      expect(stdout).not.to.match(/^dense {2}\d/m)
      const [given, taken] = [dense, `${out}/reference.safetensors`].map((path) => readFileSync(path))
      expect(taken!.equals(given!)).to.equal(true)
    })

    it('seals the zeros of a file without masks where --mask says so, and hints at it where not', async () => {
      const { metadata, tensors } = await readSafetensors(box.path('pruned', 'model.safetensors'))
      const file = box.path('baked.safetensors')
      const plain = new Map([...tensors].filter(([name]) => !name.endsWith('_mask')))
      const { 'torch-prune.graph': graph } = metadata
      await writeSafetensors(file, { metadata: { 'torch-prune.graph': graph! }, tensors: plain })
      const hint =
        /^90% of the kept weights of fc1, and some of fc2, are zero without a mask: .*--mask zeros/m
      expect((await torchPrune(['inspect', file])).stdout).to.match(hint)
      const options = [
        '--density',
        'fc1=0.1,fc2=0.4',
        '--rounds',
        '1',
        '--retrain-epochs',
        '1',
        '--data',
        data,
      ]
      const args = ['prune', recipe, '--weights', file, ...options]
      const plainly = await torchPrune([...args, '--out', box.path('unsealed')])
      expect(plainly.stdout).to.match(hint)
      const sealed = await torchPrune([...args, '--mask', 'zeros', '--out', box.path('sealed')])
      expect(sealed.code).to.equal(0)
      expect(sealed.stdout).not.to.match(hint)
      const kept = (await readRunRecord(box.path('sealed'))).layers.map((layer) => layer.kept)
      expect(kept).to.deep.equal([154, 96])

      const zeros = [file, '--mask', 'zeros']
      const shown = await torchPrune(['inspect', ...zeros, '--json'])
      const { layers } = JSON.parse(shown.stdout) as { layers: { kept: number; zeros: number }[] }
      expect(layers.map(({ kept, zeros }) => [kept, zeros])).to.deep.equal([
        [154, 0],
        [120, 0],
      ])
      const small = box.path('small-baked.safetensors')
      const shrunk = await torchPrune(['shrink', ...zeros, '--out', small])
      expect(shrunk.code).to.equal(0)
      const left = await readSafetensors(small)
      expect(Array.from(left.tensors.get('fc1.weight_mask')!.data)).to.include(0)
      const run = await torchPrune([
        'run',
        recipe,
        '--data',
        data,
        '--out',
        box.path('run'),
        '--weights',
        ...zeros,
      ])
      expect(run.code).to.equal(0)
      expect(run.stdout).not.to.match(hint)
      const reference = await readSafetensors(box.path('run', 'reference.safetensors'))
      const mask = reference.tensors.get('fc2.weight_mask')!.data as Uint8Array
      expect(mask.reduce((sum, keep) => sum + keep, 0)).to.equal(120)
    })

    it('refuses --mask where there are no weights that it is about', async () => {
      const mask = ['--mask', 'zeros']
      const run = ['run', recipe, '--data', data, '--out', box.path('no-weights'), ...mask]
      await expectRefused(run, /mask says how a file of weights is read: give weights too/)
      await expectRefused(['inspect', box.path('pruned'), ...mask], /pruned is of a whole run: give the file/)
      const record = box.path('pruned', 'run.json')
      await expectRefused(['inspect', record, ...mask], /run\.json is of a whole run: give the file/)
      const foreign = box.path('foreign.safetensors')
      const { tensors } = await readSafetensors(dense)
      await writeSafetensors(foreign, { metadata: {}, tensors })
      await expectRefused(
        ['inspect', foreign, ...mask],
        /holds no layer graph: name its network with --model/,
      )
      await expectRefused(['shrink', dense, '--out', foreign, '--mask', 'ones'], /Allowed choices are zeros/)
    })

    it('refuses a layer that is not there before it begins', async () => {
      const options = ['--out', box.path('unknown'), '--quality', 'fc1=1,fc7=2']
      const args = ['prune', recipe, '--weights', dense, '--data', data, ...options]
      await expectRefused(args, /layer 'fc7' is not in the network \(did you mean fc2\?\): it has fc1, fc2/)
    })

    describe('inspect', () => {
      it('shows the layers of a network', async () => {
        const file = box.path('pruned', 'model.safetensors')
        const { code, stdout } = await torchPrune(['inspect', file])
        expect(code).to.equal(0)
        expect(stdout).to.match(/^layer +kind +shape +weights +kept +density +FLOP +bytes$/m)
        expect(stdout).to.match(/^fc1 +fc +24×64 +1\.54K +154 +10\.0% +3\.07K +7\.78K$/m)
        const { layers, ...rest } = JSON.parse((await torchPrune(['inspect', file, '--json'])).stdout)
        const { pruned } = await readRunRecord(box.path('pruned'))
        expect(rest).to.include({ kind: 'network', parameters: 1810, compression: pruned.compression })
        expect(layers[1]).to.deep.equal({
          name: 'fc2',
          kind: 'fc',
          shape: [10, 24],
          weights: 240,
          kept: 120,
          zeros: 0,
          density: 0.5,
          flop: 480,
          bytes: 5 * 240 + 40,
        })
      })

      it('shows the tensors of a foreign file, and lets no control character through', async () => {
        const file = box.path('foreign.safetensors')
        const data = new Uint8Array(24)
        const metadata = { format: 'pt', odd: '\x1b[2J' }
        const tensors = new Map([['a\x1b[31m.weight', { dtype: 'float32' as const, shape: [2, 3], data }]])
        await writeSafetensors(file, { metadata, tensors })
        const { stdout } = await torchPrune(['inspect', file])
        expect(stdout).to.match(/^a�\[31m\.weight +float32 +2×3 +24$/m)
        expect(stdout).not.to.match(/[^\P{Cc}\n]/u)
        const json = JSON.parse((await torchPrune(['inspect', file, '--json'])).stdout)
        expect(json).to.deep.include({ kind: 'tensors', metadata })
      })

      it('shows a foreign file as the network that --model names', async () => {
        const { tensors } = await readSafetensors(box.path('pruned', 'model.safetensors'))
        const file = box.path('nameless.safetensors')
        await writeSafetensors(file, { metadata: {}, tensors })
        const { stdout } = await torchPrune(['inspect', file, '--model', box.path('tiny.json'), '--json'])
        expect(JSON.parse(stdout)).to.include({ kind: 'network', parameters: 1810 })
        await expectRefused(
          ['inspect', file, '--model', 'lenet-5'],
          /tensors "conv1\.weight", .* are missing.*; check --model/,
        )
        await expectRefused(
          ['inspect', file, '--model', 'alexnett'],
          /there is no model 'alexnett' \(did you mean alexnet\?\): use one of .*vgg-16/,
        )
      })

      it('shows a state dict that torch.save wrote', async () => {
        const file = new URL('../golden/torch/checkpoint.pt', import.meta.url).pathname
        const { stdout } = await torchPrune(['inspect', file])
        expect(stdout).to.match(/^conv\.weight +float32 +2×1×2×2 +32$/m)
        expect(stdout).to.match(/^9 tensors, \d+ bytes; the file holds no layer graph, .* --model$/m)
      })

      it('shows a run', async () => {
        const { stdout } = await torchPrune(['inspect', box.path('pruned')])
        expect(stdout).to.match(/^prune-tiny, seed 0, cpu, /)
        expect(stdout).to.match(/^ +1 +15\.4% +\S+× +\S+% +\S+% +\S+%$/m)
        const json = await torchPrune(['inspect', box.path('pruned', 'run.json'), '--json'])
        const run = await readRunRecord(box.path('pruned'))
        expect(JSON.parse(json.stdout)).to.deep.include({ kind: 'run', run })
      })
    })
  })
})
