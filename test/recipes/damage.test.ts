import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { TorchPruneError } from '../../lib/base/errors.js'
import { inspect } from '../../lib/cli/inspection.js'
import { parseRecipe } from '../../lib/recipes/json.js'
import { type RunOptions, runRecipe } from '../../lib/recipes/run.js'
import { writeReport } from '../../lib/report/report.js'
import { temporaryFolder } from '../cli/command.js'
import { tinyRecipe, writeTinyMnist } from '../cli/tiny.js'
import { refusedWith } from '../support/refusal.js'

const SEED = 5
const FLIPS = Number(process.env.TORCH_PRUNE_FLIPS ?? 24)

describe(`a flipped bit in a run's folder (seed ${SEED})`, function () {
  this.timeout(600_000)
  const box = temporaryFolder()
  const recipe = parseRecipe(tinyRecipe({ denseEpochs: 2, rounds: 2, epochs: 2 }), 'tiny')
  const data = box.path('mnist')
  const [stopped, finished, copy] = [box.path('stopped'), box.path('finished'), box.path('copy')]
  const run = (out: string, more: RunOptions = {}) => runRecipe(recipe, { data, out, threads: 1, ...more })
  after(() => box.dispose())

  before(async () => {
    writeTinyMnist(data, { train: 120, test: 20 })
    await run(finished)
    const controller = new AbortController()
    const on: RunOptions['on'] = { retrainEpoch: ({ round }) => round === 2 && controller.abort() }
    await run(stopped, { on, signal: controller.signal }).catch(() => {})
  })

  let state = SEED
  const random = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const filesIn = (folder: string) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      statSync(join(folder, name)).isFile(),
    )
  /** Copies a folder and flips a bit in one of its files, headers as often as the rest. */
  function damaged(folder: string, file: string): string {
    rmSync(copy, { recursive: true, force: true })
    cpSync(folder, copy, { recursive: true })
    const path = join(copy, file)
    const bytes = readFileSync(path)
    const at = random(random(2) === 0 ? bytes.length : Math.min(bytes.length, 600))
    bytes[at]! ^= 1 << random(8)
    writeFileSync(path, bytes)
    return `${path}, byte ${at}`
  }
  const results = (folder: string) =>
    ['model.safetensors', 'reference.safetensors'].map((name) =>
      readFileSync(join(folder, name)).toString('base64'),
    )

  it('is refused by the name of the file, or said, when the run goes on', async () => {
    const whole = results(finished)
    const files = filesIn(stopped)
    expect(files.sort()).to.deep.equal([
      ...['position.safetensors', 'round-1-pruned.safetensors', 'round-1-retrained.safetensors'].map(
        (name) => `checkpoint/${name}`,
      ),
      'checkpoint/round-2-pruned.safetensors',
      'checkpoint/state.json',
      'events.jsonl',
      'reference.safetensors',
    ])
    for (let i = 0; i < FLIPS; i++) {
      const file = files[i % files.length]!
      const where = damaged(stopped, file)
      const said: string[] = []
      const tell = (error: unknown) => said.push((error as Error).message)
      try {
        await run(copy, { resume: true, on: { logFailed: tell, positionLost: tell } })
        expect(results(copy), where).to.deep.equal(whole)
      } catch (error) {
        if (!(error instanceof TorchPruneError)) throw error
        tell(error)
      }
      expect(said.join(), where).to.include(join(copy, file))
    }
  })

  it('is refused by the name of the file when the run is shown', async () => {
    for (let i = 0; i < FLIPS; i++) {
      const read = [
        'run.json',
        'model.safetensors',
        'reference.safetensors',
        'checkpoint/round-2-pruned.safetensors',
      ]
      const file = read[i % read.length]!
      const where = damaged(finished, file)
      expect(await refusedWith(writeReport(copy)), where).to.include(file)
      const shown = file === 'run.json' ? copy : join(copy, file)
      expect(await refusedWith(inspect(shown)), where).to.include(file)
    }
  })
})
