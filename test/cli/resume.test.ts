import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { readEvents } from '../../lib/runs/events.js'
import { readRunRecord } from '../../lib/runs/record.js'
import { expectRefused, stopAt, torchPrune } from './command.js'
import { tinyRecipe } from './tiny.js'
import { tinyRuns } from './tiny_runs.js'

describe('torch-prune run', function () {
  this.timeout(120_000)
  const { box, data, args } = tinyRuns()

  describe('stopped by a signal', () => {
    const long = box.path('long.json')
    const longArgs = (out: string, ...more: string[]) => [
      ...['run', long, '--data', data, '--out', box.path(out), '--threads', '1', ...more],
    ]
    before(() => writeFileSync(long, JSON.stringify(tinyRecipe({ rounds: 3, epochs: 60 }))))

    const oneTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)
    /** Those that the log tells of, in its order. */
    const epochsIn = async (out: string) =>
      (await readEvents(box.path(out))).flatMap((event) => (event.event === 'epoch' ? event.epoch : []))

    it('keeps the finished rounds, and --resume ends at the bits of an unbroken run', async () => {
      const stopped = await stopAt(/^round 2\/3 {2} *1\/60/m, 'SIGINT', longArgs('broken'))
      expect(stopped.code).to.equal(130)
      expect(stopped.stderr).to.match(
        /^torch-prune: interrupted: round 2 of 3 is unfinished; continue with: torch-prune run \S+ .*--resume\n$/,
      )
      expect((await readEvents(box.path('broken'))).at(-1)).to.include({ event: 'interrupt' })

      const state = readFileSync(box.path('broken', 'checkpoint/state.json'))
      await expectRefused(
        longArgs('broken'),
        /broken holds a run that stopped in round 2 of 3, epoch \d+: go on with --resume/,
      )
      expect(readFileSync(box.path('broken', 'checkpoint/state.json'))).to.deep.equal(state)

      const resumed = await torchPrune(longArgs('broken', '--resume'))
      expect(resumed.code).to.equal(0)
      expect(resumed.stdout).to.match(/^Going on in round 2 of 3, epoch \d+\.$/m)
      expect(resumed.stdout).not.to.match(/^dense {2}\d+\/|^round 1/m)
      expect(await epochsIn('broken')).to.deep.equal([1, 2, 3, ...oneTo(60), ...oneTo(60), ...oneTo(60)])

      expect((await torchPrune(longArgs('unbroken', '--quiet'))).code).to.equal(0)
      for (const file of ['reference.safetensors', 'model.safetensors']) {
        expect(
          readFileSync(box.path('broken', file)).equals(readFileSync(box.path('unbroken', file))),
          file,
        ).to.equal(true)
      }
      const [broken, unbroken] = [
        await readRunRecord(box.path('broken')),
        await readRunRecord(box.path('unbroken')),
      ]
      expect({ ...broken, seconds: 0 }).to.deep.equal({ ...unbroken, seconds: 0 })
    })

    it('goes on in the dense training, and in the one of `train`, to the same bits', async () => {
      const slow = box.path('slow.json')
      writeFileSync(slow, JSON.stringify(tinyRecipe({ denseEpochs: 160, rounds: 1, epochs: 1 })))
      for (const [command, signal] of [
        ['run', 'SIGTERM'],
        ['train', 'SIGHUP'],
      ] as const) {
        const run = (out: string) => [command, slow, '--data', data, '--out', box.path(out), '--threads', '1']
        const stopped = await stopAt(/^dense {2} *1\/160/m, signal, run(command))
        expect(stopped.code).to.equal(130)
        expect(stopped.stderr).to.match(/^torch-prune: interrupted: .*continue with: .*--resume\n$/)
        await expectRefused(run(command), /stopped in epoch \d+ of its dense training: go on with --resume/)
        const resumed = await torchPrune([...run(command), '--resume'])
        expect(resumed.code).to.equal(0)
        expect(resumed.stdout).to.match(/^Going on in epoch \d+ of its dense training\.$/m)
        expect((await epochsIn(command)).slice(0, 160)).to.deep.equal(oneTo(160))
        expect((await torchPrune([...run(`whole-${command}`), '--quiet'])).code).to.equal(0)
        const [broken, whole] = [command, `whole-${command}`].map((out) =>
          readFileSync(box.path(out, 'reference.safetensors')),
        )
        expect(broken!.equals(whole!)).to.equal(true)
      }
    })

    it('without warning goes on where it was saved last', async () => {
      const often = longArgs('killed', '--checkpoint-minutes', '0.0005')
      const killed = await stopAt(/^round 2\/3 {2} *[2-5]\d\/60/m, 'SIGKILL', often)
      expect(killed.code).to.equal(null)
      const resumed = await torchPrune([...often, '--resume'])
      expect(resumed.stdout).to.match(/^Going on in round 2 of 3, epoch \d+\.$/m)
      const left = readdirSync(box.path('killed', 'checkpoint')).filter((name) => name.endsWith('.tmp'))
      expect(left).to.deep.equal([])
      expect((await torchPrune(longArgs('never-killed', '--quiet'))).code).to.equal(0)
      const [broken, whole] = ['killed', 'never-killed'].map((out) =>
        readFileSync(box.path(out, 'model.safetensors')),
      )
      expect(broken!.equals(whole!)).to.equal(true)
    })

    it('goes on from what was saved before where a file is cut short, and says so', async () => {
      const stopped = await stopAt(/^round 1\/3 {2} *1\/60/m, 'SIGINT', longArgs('short'))
      expect(stopped.code).to.equal(130)
      const position = box.path('short', 'checkpoint/position.safetensors')
      truncateSync(position, 1000)
      const { code, stdout } = await torchPrune(longArgs('short', '--resume'))
      expect(code).to.equal(0)
      expect(stdout).to.match(/^Going on from what was saved before \(\S+position\.safetensors: [^\n]+\)$/m)
      const [short, whole] = ['short', 'unbroken'].map((out) =>
        readFileSync(box.path(out, 'model.safetensors')),
      )
      expect(short!.equals(whole!)).to.equal(true)
    })
  })

  it('starts from the beginning where there is nothing to resume', async () => {
    mkdirSync(box.path('fresh'))
    const { code, stdout } = await torchPrune(args('fresh', '--resume'))
    expect(code).to.equal(0)
    expect(stdout).to.include('There is nothing to resume there: starting from the beginning.')
  })
})
