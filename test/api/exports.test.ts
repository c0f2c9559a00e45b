import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { Job } from '../../lib/base/job.js'
import { jobThreads, optim, setEagerThreads, setJobThreads, TorchPruneError, train } from '../../lib/index.js'
import { laterRefusal } from '../support/refusal.js'
import { argumentsOf, type Entry, entries, wrongCall } from './calls.js'
import { functions } from './right_functions.js'
import { methods } from './right_methods.js'
import { dataset, file, folder, net, sessionFile } from './right_values.js'

/** 10,000 in a run by hand: `API_RUNS=10000 npx mocha test/api/exports.test.ts`. A seed repeats a run. */
const RUNS = Number(process.env.API_RUNS ?? 400)
const SEED = Number(process.env.API_SEED ?? Date.now() % 2 ** 31)
const LONGEST = 20_000

/** Makes a call, and waits for what it promises. Throws for any error that is not the library's. */
async function survives(entry: Entry, values: readonly unknown[], said: string): Promise<void> {
  try {
    const result = entry.call(values) as PromiseLike<unknown> | undefined
    if (typeof result?.then !== 'function') {
      // What stays in force until then, such as noGrad(), must not reach other tests.
      ;(result as unknown as Partial<Disposable> | undefined)?.[Symbol.dispose]?.()
      return
    }
    let timer: NodeJS.Timeout | undefined
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error('it does not end')), LONGEST)
    })
    await Promise.race([result, late]).finally(() => clearTimeout(timer))
  } catch (error) {
    if (error instanceof TorchPruneError && /^ERR_[A-Z]+$/.test(error.code)) {
      expect(error.message, said).to.match(/^[^\p{Cc}]{1,1000}$/u)
      return
    }
    throw new Error(`${said}: ${error instanceof Error ? error.stack : String(error)}`)
  }
}

/** What a call returns, or throws before it returns. */
function attempt(call: () => unknown): { readonly value?: unknown; readonly error?: unknown } {
  try {
    return { value: call() }
  } catch (error) {
    return { error }
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>> | undefined)?.then === 'function'
}

describe('the public functions', () => {
  const all = entries()
  const here = process.cwd()
  let scratch: string

  const threads = jobThreads()

  before(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'torch-prune-cwd-'))
    process.chdir(scratch)
    await net().save(file)
    const session = await net().compile()
    await session.save(sessionFile)
  })
  after(() => {
    process.chdir(here)
    setJobThreads(threads)
    setEagerThreads(availableParallelism())
    for (const made of [scratch, folder]) rmSync(made, { recursive: true, force: true })
  })

  it('all have right arguments to start from, and no others have', () => {
    expect(all.filter(({ right }) => right === undefined).map(({ path }) => path)).to.deep.equal([])
    const paths = new Set(all.map(({ path }) => path))
    const named = Object.entries(methods).flatMap(([owner, own]) =>
      Object.keys(own).map((name) => `${owner}.${name}`),
    )
    expect([...Object.keys(functions), ...named].filter((path) => !paths.has(path))).to.deep.equal([])
  })

  it('refuse nothing and null by errors of the library', async () => {
    for (const entry of all) {
      for (const values of [[], [null], [undefined, null]]) {
        await survives(entry, values, `${entry.path} with ${values.length} arguments`)
      }
    }
  }).timeout(60_000)

  it(`refuse wrong kinds of arguments and options by errors of the library (seed ${SEED})`, async () => {
    const property = fc.asyncProperty(wrongCall(all), async (wrong) => {
      const { values, said } = argumentsOf(wrong)
      await survives(wrong.entry, values, said)
    })
    await fc.assert(property, { numRuns: RUNS, seed: SEED, endOnFailure: true, verbose: 0 })
  }).timeout(60_000 + 100 * RUNS)

  const cheap = all.filter(({ path }) => !path.startsWith('models.') && !path.startsWith('data.'))

  it('throw for wrong arguments where they are called if they return a job, and reject if a promise', async () => {
    const jobs: string[] = []
    const promises: string[] = []
    for (const { path, call, right } of cheap) {
      const made = attempt(() => call(right!()))
      if (made.value instanceof Job) jobs.push(path)
      else if (isPromise(made.value)) promises.push(path)
      else continue
      await Promise.resolve(made.value).catch(() => {})
      const wrong = attempt(() => call([null]))
      if (made.value instanceof Job) {
        expect(wrong.error, path).to.be.instanceOf(TorchPruneError)
        expect((wrong.error as TorchPruneError).code, path).to.equal('ERR_ARGUMENT')
      } else {
        expect(wrong.error, path).to.equal(undefined)
        await Promise.resolve(wrong.value).catch(() => {})
      }
    }
    expect(jobs.sort()).to.deep.equal([
      'prune',
      'prune.sensitivity',
      'prune.splice',
      'prune.tradeoff',
      'quantize',
      'train',
    ])
    expect(promises).to.include.members([
      ...['applyCriterion', 'evaluate', 'predict', 'keptWeights', 'loadWeights', 'runRecipe'],
      ...['prune.spliceOnce', 'prune.removeDeadNeurons', 'Network.save', 'Network.setMask'],
    ])
  }).timeout(60_000)

  it('reject, jobs and promises alike, where the network is in use', async () => {
    using busy = net()
    const controller = new AbortController()
    const { signal } = controller
    const training = train(busy, dataset(), { epochs: 1e6, optimizer: optim.sgd({ lr: 0.01 }), signal })
    const users = [
      'prune',
      'prune.sensitivity',
      'prune.splice',
      'quantize',
      'train',
      'applyCriterion',
      'evaluate',
      'predict',
    ]
    for (const path of [
      ...users,
      'prune.spliceOnce',
      'prune.removeDeadNeurons',
      'keptWeights',
      'networkSize',
    ]) {
      const { call, right } = all.find((entry) => entry.path === path)!
      const { error, value } = attempt(() => call([busy, ...right!().slice(1)]))
      expect(error, path).to.equal(undefined)
      expect((await laterRefusal(value as PromiseLike<unknown>)).code, path).to.equal('ERR_BUSY')
    }
    controller.abort()
    await training.catch(() => {})
  })

  it('take the right ones', async () => {
    for (const entry of cheap) await survives(entry, entry.right!(), entry.path)
  }).timeout(60_000)
})
