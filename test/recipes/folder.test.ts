import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { trainRecipe } from '../../lib/recipes/dense.js'
import { parseRecipe } from '../../lib/recipes/json.js'
import { type RunOptions, runRecipe } from '../../lib/recipes/run.js'
import { readEvents } from '../../lib/runs/events.js'
import { temporaryFolder } from '../cli/command.js'
import { tinyRecipe, writeTinyMnist } from '../cli/tiny.js'
import { laterRefusal, refusedWith } from '../support/refusal.js'

describe("a run's folder", function () {
  this.timeout(60_000)
  const box = temporaryFolder()
  const recipe = parseRecipe(tinyRecipe({ denseEpochs: 2, rounds: 1, epochs: 1 }), 'tiny')
  const data = box.path('mnist')
  before(() => writeTinyMnist(data, { train: 120, test: 20 }))
  after(() => box.dispose())

  const options = (out: string, more: RunOptions = {}): RunOptions => {
    return { data, out: box.path(out), threads: 1, ...more }
  }
  const run = (out: string, more?: RunOptions) => runRecipe(recipe, options(out, more))
  /** The bytes of all files, by name, but for those that hold times. */
  const bytes = (out: string) =>
    readdirSync(box.path(out), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.safetensors'))
      .sort()
      .map((name) => [name, readFileSync(box.path(out, name)).toString('base64')])
  /** Stops a run once it has saved something of its dense training. */
  async function stopped(out: string, more: RunOptions = {}): Promise<void> {
    const controller = new AbortController()
    const on = { denseEpoch: () => controller.abort(), ...more.on }
    const error = await run(out, { ...more, on, signal: controller.signal }).catch((cause: unknown) => cause)
    expect(error).to.equal(controller.signal.reason)
  }

  before(async () => {
    await run('finished')
  })

  it('is of one run at a time', async () => {
    let other: Promise<string> | undefined
    const first = run('shared', {
      on: {
        begun() {
          other = refusedWith(run('shared', { seed: 1 }), 'ERR_BUSY')
        },
      },
    })
    await first
    expect(await other).to.match(
      /shared is in use by process \d+ on .+: wait until it ends, or choose another/,
    )
    expect(bytes('shared')).to.deep.equal(bytes('finished'))
    expect(readdirSync(box.path('shared'))).not.to.include('run.lock')
  })

  it('keeps a finished run that is started again', async () => {
    const before = bytes('finished')
    expect(await refusedWith(run('finished'), 'ERR_OUTPUT')).to.match(
      /holds this run, finished: see it with \{ resume: true \}, choose another \{ out \}, or replace it with/,
    )
    expect(await refusedWith(run('finished', { seed: 1 }), 'ERR_OUTPUT')).to.include('that is not this one')
    expect((await run('finished', { resume: true })).record.recipe).to.equal('tiny')
    expect(bytes('finished')).to.deep.equal(before)
  })

  it('keeps a finished run until the one that replaces it is done', async () => {
    await run('replaced')
    writeFileSync(box.path('replaced', 'notes.txt'), 'mine')
    const old = bytes('replaced')
    const more = { seed: 1, overwrite: true }
    await stopped('replaced', more)
    const kept = bytes('replaced').filter(([name]) => !name!.startsWith('replacement'))
    expect(kept).to.deep.equal(old)
    // It goes on only when it is told to.
    expect(await refusedWith(run('replaced', more), 'ERR_OUTPUT')).to.match(/go on with \{ resume: true \}/)
    const { folder, record } = await run('replaced', { ...more, resume: true })
    expect(folder).to.equal(box.path('replaced'))
    expect(record.seed).to.equal(1)
    await run('seed-1', { seed: 1 })
    expect(bytes('replaced')).to.deep.equal(bytes('seed-1'))
    expect(readdirSync(folder).sort()).to.deep.equal([...readdirSync(box.path('seed-1')), 'notes.txt'].sort())
    expect((await readEvents(folder)).filter(({ event }) => event === 'start')).to.have.length(2)
    // Now it is this run that is there.
    expect((await run('replaced', { ...more, resume: true })).record.seconds).to.equal(record.seconds)
  })

  it('ends a replacement that was broken off', async () => {
    await run('new', { seed: 1 })
    const whole = bytes('new')
    const resumed = () => run('half', { seed: 1, resume: true })
    // Before anything of the old run was touched.
    await run('half')
    renameSync(box.path('new'), box.path('half', 'replacement'))
    expect((await resumed()).record.seed).to.equal(1)
    expect(bytes('half')).to.deep.equal(whole)
    // When half of the new one was in its place.
    mkdirSync(box.path('half', 'replacement-done'))
    for (const name of ['run.json', 'checkpoint']) {
      renameSync(box.path('half', name), box.path('half', 'replacement-done', name))
    }
    expect((await resumed()).record.seed).to.equal(1)
    expect(bytes('half')).to.deep.equal(whole)
  })

  it('is cleaned of what a process left that was killed while it wrote', async () => {
    await stopped('killed')
    const left = ['.', 'checkpoint'].map((folder) => {
      return box.path('killed', folder, '.torch-prune-01234567-1-1-00000000-0000-4000-8000-000000000000.tmp')
    })
    for (const path of left) writeFileSync(path, 'half')
    await run('killed', { resume: true })
    expect(left.filter(existsSync)).to.deep.equal([])
    expect(bytes('killed')).to.deep.equal(bytes('finished'))
  })

  it('of a dense training alone says that it is finished', async () => {
    const train = (more?: RunOptions) =>
      trainRecipe({ ...recipe, name: 'train-tiny' }, options('dense', more))
    const trained = await train()
    expect(await train({ resume: true })).to.deep.equal(trained)
    expect((await laterRefusal(train())).message).to.include('holds a trained network')
    expect((await laterRefusal(train({ resume: true, seed: 1 }))).message).to.include('a trained network')
    expect((await laterRefusal(run('dense', { resume: true }))).message).to.include('a trained network')
    expect(await train({ overwrite: true, seed: 1 })).to.not.deep.equal(trained)
    const { weights } = trained
    expect((await run('dense', { weights })).folder).to.equal(box.path('dense'))
  })
})
