import { writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { VERSION } from '../../lib/install/home.js'
import { expectRefused, temporaryFolder, torchPrune } from './command.js'

describe('torch-prune', function () {
  this.timeout(60_000)
  const box = temporaryFolder()
  after(() => box.dispose())

  describe('help and version', () => {
    // Neither may need the addon: people read them to get it.
    const env = { TORCH_PRUNE_ADDON: box.path('nowhere') }

    it('are there without an addon, with exit code 0', async () => {
      expect(await torchPrune(['--version'], { env })).to.deep.equal({
        code: 0,
        stdout: `${VERSION}\n`,
        stderr: '',
      })
      for (const args of [['--help'], ['help', 'prune'], ['run', '--help'], ['inspect', '-h']]) {
        const { code, stdout, stderr } = await torchPrune(args, { env })
        expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
        expect(stdout).to.match(/^Usage: torch-prune/)
        expect(stdout).to.include('Examples:')
        for (const line of stdout.split('\n')) expect(line.length, line).to.be.at.most(80)
      }
    })

    it('are shown for no command at all, which is bad usage', async () => {
      const { code, stdout, stderr } = await torchPrune([], { env })
      expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' })
      expect(stderr).to.match(/^Usage: torch-prune/)
    })
  })

  describe('doctor', () => {
    it('says that everything is in place', async () => {
      const { code, stdout } = await torchPrune(['doctor'])
      expect(code).to.equal(0)
      expect(stdout).to.match(/^libtorch +\d.*^Everything is in place\.$/ms)
      const json = await torchPrune(['doctor', '--json'])
      expect(JSON.parse(json.stdout)).to.include({ ok: true, torchPrune: VERSION })
    })

    it('ends with 1 and the mend where the addon is missing', async () => {
      const env = { TORCH_PRUNE_ADDON: box.path('nowhere') }
      const { code, stdout } = await torchPrune(['doctor'], { env })
      expect(code).to.equal(1)
      expect(stdout).to.match(/^Problem: TORCH_PRUNE_ADDON is .*: set it to a folder/m)
    })
  })

  describe('recipes', () => {
    // Without an addon: an editor asks for the schema, and a recipe can be read on any machine.
    const env = { TORCH_PRUNE_ADDON: box.path('nowhere') }
    const printed = async (...args: string[]) => {
      const { code, stdout, stderr } = await torchPrune(args, { env })
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
      return JSON.parse(stdout)
    }

    it('are described by a JSON Schema', async () => {
      const schema = await printed('schema', 'recipe')
      expect(schema).to.include({ $schema: 'https://json-schema.org/draft/2020-12/schema' })
      expect(schema.required).to.deep.equal(['name', 'model', 'data', 'dense', 'prune'])
      await expectRefused(['schema', 'run'], /Allowed choices are recipe/)
    })

    it('are printed whole, with what the command line says, and read again as they are', async () => {
      const whole = await printed('run', 'lenet-5', '--autocast', 'bfloat16', '--print-recipe')
      expect(whole).to.include({ name: 'lenet-5', model: 'lenet-5' })
      expect(whole.dense).to.include({ batchSize: 128, dropLast: false, autocast: 'bfloat16' })
      const file = box.path('printed.json')
      writeFileSync(file, JSON.stringify({ $schema: './recipe.schema.json', ...whole }))
      expect(await printed('run', file, '--print-recipe')).to.deep.equal(whole)
    })
  })

  it('ends with 1 and one line when the addon that it needs is missing', async () => {
    const { code, stderr } = await torchPrune(['run', 'lenet-5', '--out', box.path('none')], {
      env: { TORCH_PRUNE_ADDON: box.path('nowhere') },
    })
    expect(code).to.equal(1)
    expect(stderr).to.match(/^torch-prune: TORCH_PRUNE_ADDON is [^\n]+\n$/)
  })
})
