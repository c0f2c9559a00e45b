import { readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { childArguments } from '../../lib/cli/launch.js'
import { placeFromEnvironment, rankInErrors } from '../../lib/distributed/environment.js'
import { freePort, variablesOf } from '../../lib/distributed/launcher.js'
import { readEvents } from '../../lib/runs/events.js'
import { readRunRecord } from '../../lib/runs/record.js'
import { torchPrune } from '../cli/command.js'
import { tinyRecipe } from '../cli/tiny.js'
import { tinyRuns } from '../cli/tiny_runs.js'
import { refusal } from '../support/refusal.js'

describe('torch-prune run --nproc', function () {
  this.timeout(120_000)
  const { box, args } = tinyRuns()

  it('comes to the figures of one process, which its first process prints', async () => {
    const [one, two] = await Promise.all([torchPrune(args('one')), torchPrune(args('two', '--nproc', '2'))])
    expect(one.stderr + two.stderr).to.equal('')
    expect(two.code).to.equal(0)
    expect(two.stdout.match(/^round 2\/2 +kept/gm)).to.have.length(1)
    const [expected, record] = [await readRunRecord(box.path('one')), await readRunRecord(box.path('two'))]
    for (const part of ['reference', 'pruned', 'layers', 'rounds'] as const)
      expect(record[part], part).to.deep.equal(expected[part])
    const events = async (out: string) => (await readEvents(box.path(out))).map((event) => event.event)
    expect(await events('two')).to.deep.equal(await events('one'))
  })

  it('is there for train and prune, too', async () => {
    const recipe = args('dense')[1]!
    const rest = ['--data', box.path('mnist'), '--seed', '3']
    const trained = (out: string, ...more: string[]) =>
      torchPrune(['train', recipe, ...rest, '--out', box.path(out), '--epochs', '2', ...more])
    const [one, two] = await Promise.all([trained('dense-1'), trained('dense-2', '--nproc', '2')])
    expect(one.stderr + two.stderr).to.equal('')
    expect(two.code).to.equal(0)
    expect(two.stdout.match(/^The dense network is in/gm)).to.have.length(1)
    const loss = async (out: string) =>
      (await readEvents(box.path(out))).flatMap((event) => (event.event === 'epoch' ? [event.loss] : []))
    const [expected, losses] = [await loss('dense-1'), await loss('dense-2')]
    for (const [i, each] of losses.entries()) expect(each).to.be.closeTo(expected[i]!, 1e-5)
    const pruned = await torchPrune([
      ...['prune', recipe, ...rest, '--weights', box.path('dense-2', 'reference.safetensors')],
      ...['--out', box.path('pruned-2'), '--density', '0.5', '--nproc', '2'],
    ])
    expect(pruned.stderr).to.equal('')
    expect((await readRunRecord(box.path('pruned-2'))).rounds.length).to.be.above(0)
  })

  it('goes on with another number of processes, and says in one line what went wrong', async () => {
    const port = await freePort()
    const long = box.path('long.json')
    writeFileSync(long, JSON.stringify({ ...tinyRecipe({ denseEpochs: 20 }), name: 'long' }))
    const longArgs = ['run', long, ...args('long').slice(2), '--checkpoint-minutes', '0']
    const env = (rank: number) => ({ ...variablesOf(rank, 2, port), TORCH_PRUNE_GROUP_TIMEOUT: '4' })
    const killed = torchPrune(longArgs, {
      env: env(1),
      onOutput: () => {},
    })
    let sent = false
    const first = await torchPrune(longArgs, {
      env: env(0),
      onOutput(child, stdout) {
        if (sent || !/^dense +\d/m.test(stdout)) return
        sent = true
        child.kill('SIGKILL')
      },
    })
    expect(first.code).to.equal(null)
    const { code, stderr, stdout } = await killed
    expect(code).to.equal(1)
    expect(stdout).to.equal('')
    expect(stderr).to.match(/^torch-prune: rank 1: rank 0 is gone \(.+\): .+ with --resume to go on\n$/)

    const resumed = await torchPrune([...longArgs, '--resume', '--nproc', '3'])
    expect(resumed.stderr).to.equal('')
    expect(resumed.code).to.equal(0)
    expect(resumed.stdout).to.match(/^Going on in epoch \d+ of its dense training\.$/m)
    expect((await readRunRecord(box.path('long'))).rounds).to.have.length(2)
  })

  it('ends with the exit code of what failed, and leaves the folder as it was', async () => {
    const before = readFileSync(box.path('one', 'run.json'))
    const { code, stderr } = await torchPrune(args('one', '--nproc', '2'))
    expect(code).to.equal(2)
    expect(stderr).to.match(/^torch-prune: \S+ holds this run, finished: see it with --resume/m)
    expect(readFileSync(box.path('one', 'run.json'))).to.deep.equal(before)
  })

  it('is not for processes that a launcher has started', async () => {
    const { code, stderr } = await torchPrune(args('other', '--nproc', '2'), { env: variablesOf(0, 2, 1) })
    expect(code).to.equal(2)
    expect(stderr).to.match(
      /^torch-prune: --nproc starts the processes itself, and RANK or WORLD_SIZE is set/,
    )
  })

  it('passes its arguments on, with threads for each process', () => {
    expect(childArguments(['run', 'x', '--nproc', '2', '--resume'], 4)).to.deep.equal([
      ...['run', 'x', '--resume', '--threads', '4'],
    ])
    expect(childArguments(['run', '--nproc=2', 'x', '--threads=3'], 4)).to.deep.equal([
      ...['run', 'x', '--threads=3'],
    ])
  })
})

describe('the environment of a process', () => {
  const whole = variablesOf(1, 2, 29_500, 'first')

  it('says its place', () => {
    expect(placeFromEnvironment({})).to.equal(undefined)
    expect(placeFromEnvironment({ MASTER_ADDR: 'first' })).to.equal(undefined)
    expect(placeFromEnvironment(variablesOf(0, 1, 29_500))).to.equal(undefined)
    expect(placeFromEnvironment(whole)).to.deep.equal({
      ...{ rank: 1, localRank: 1, worldSize: 2, address: 'first', port: 29_500, listen: true, prefix: '0' },
    })
    const elastic = { TORCHELASTIC_USE_AGENT_STORE: 'True', TORCHELASTIC_RESTART_COUNT: '2' }
    expect(placeFromEnvironment({ ...whole, ...elastic })).to.include({ listen: false, prefix: '2' })
    expect(rankInErrors({})).to.equal('')
    expect(rankInErrors(whole)).to.equal('rank 1: ')
  })

  it('is refused if something is missing, or no number', () => {
    const said = (env: NodeJS.ProcessEnv) => refusal(() => placeFromEnvironment(env)).message
    expect(said({ RANK: '0' })).to.match(/^WORLD_SIZE and MASTER_ADDR and MASTER_PORT must be set too/)
    expect(said({ ...whole, RANK: '2' })).to.match(/^RANK must be a whole number in 0\.\.1, got '2'/)
    expect(said({ ...whole, MASTER_PORT: 'x' })).to.match(/^MASTER_PORT must be a whole number in 1\.\.65535/)
    expect(said({ ...whole, TORCH_PRUNE_GROUP_TIMEOUT: '0' })).to.match(
      /must be a number of seconds, got '0'/,
    )
  })
})
