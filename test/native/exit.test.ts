import { expect } from 'chai'
import { runScript } from './child.js'

/** Runs a scenario in a child process; expects its exit code and, line by line, its output. */
async function expectEnd(scenario: string, code: number, lines: string[] = [], complaint?: RegExp) {
  const ended = await runScript('scenario.mjs', scenario)
  const { stdout, stderr } = ended
  expect({ code: ended.code, signal: ended.signal }, stderr).to.deep.equal({ code, signal: null })
  expect(stdout.split('\n').slice(0, -1)).to.deep.equal(lines)
  if (complaint === undefined) expect(stderr).to.equal('')
  else expect(stderr).to.match(complaint)
}

describe('a process', () => {
  it('ends by itself after a job', () => expectEnd('trains', 0, ['trained 3 epochs']))
  it('waits for a job that nobody awaits', () => expectEnd('trains unawaited', 0))
  it('ends by itself after a job that was left', () => expectEnd('follows a job and leaves it', 0, ['left']))
  it('ends with tensors, hooks, a network and a trainer in its hands', () =>
    expectEnd('holds tensors, hooks and trainers', 0, ['held']))

  it('ends with datasets of batches in its hands, again and again', async () => {
    for (let i = 0; i < 4; i++) await expectEnd('holds datasets of batches', 0, ['held'])
  })
  it('ends with its own code while batches are made', () => expectEnd('exits while batches are made', 7))

  it('ends with its own code when it exits while a job runs, again and again', async () => {
    for (let i = 0; i < 8; i++) await expectEnd('exits while a job runs', 7)
  })
  it('ends with its own code when it exits while a trainer runs that it holds', () =>
    expectEnd('exits while a trainer runs', 7))
  it('ends with its own code while jobs wait', () => expectEnd('exits while jobs wait', 7))

  it('ends with sessions in its hands', () => expectEnd('holds sessions', 0, ['held']))
  it('ends with its own code while sessions run, and while one is compiled', async () => {
    for (const scenario of ['exits while sessions run', 'exits while a network is compiled']) {
      for (let i = 0; i < 3; i++) await expectEnd(scenario, 7)
    }
  })

  it('ends with its own code when an exit listener asks sessions for more', () =>
    expectEnd('asks sessions for more at its exit', 7))

  it('ends with its own code while images are decoded', async () => {
    for (let i = 0; i < 3; i++) await expectEnd('exits while images are decoded', 7)
  })

  for (const scenario of ['fails while a job runs', 'fails in onProgress', 'fails in a hook']) {
    it(`shows the error when it ${scenario}`, () =>
      expectEnd(scenario, 1, [], /ReferenceError: nothing is not defined/))
  }
})

describe('worker threads', () => {
  it('load the addon, train and end, one after another', () => {
    const lines = Array.from({ length: 6 }, () => ['trained 3 epochs', 'exit 0']).flat()
    return expectEnd('workers in turn', 0, lines)
  })
  it('train three at once', () => expectEnd('workers at once', 0, ['trained 3 epochs', 'exits 0,0,0']))
  it('can be terminated while a job runs', () =>
    expectEnd('workers that are terminated', 0, ['exit 1', 'exit 1', 'exit 1', 'exit 1', 'trained 3 epochs']))
  it('can be terminated while images are decoded', () =>
    expectEnd('workers that are terminated while they decode', 0, [
      ...Array.from({ length: 4 }, () => 'exit 1'),
      'trained 3 epochs',
    ]))
  it('can be terminated while batches are made, and end with datasets of them', () =>
    expectEnd('workers that are terminated while batches are made', 0, [
      ...Array.from({ length: 4 }, () => 'exit 1'),
      'exit 0',
      'trained 3 epochs',
    ]))
  it('can be terminated while sessions run, and end with sessions', () =>
    expectEnd('workers that are terminated while sessions run', 0, [
      ...Array.from({ length: 3 }, () => 'exit 1'),
      'exit 0',
      'trained 3 epochs',
    ]))
  it('may exit and fail without harm to the process', () =>
    expectEnd('workers that exit and fail', 0, [
      'exit 7',
      'ReferenceError',
      'ReferenceError',
      'ReferenceError',
      'held',
    ]))
})
