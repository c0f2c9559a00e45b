import { spawnSync } from 'node:child_process'
import { Writable } from 'node:stream'

import { expect } from 'chai'

import {
  createReporter,
  type OutputStream,
  type Reporter,
  type ReporterOptions,
} from '../../lib/cli/progress.js'
import { followRun } from '../../lib/cli/run_progress.js'

interface Screen {
  reporter: Reporter
  out: () => string
  err: () => string
  /** Moves the clock. */
  wait: (seconds: number) => void
}

function screen(terminal: boolean, options: ReporterOptions & { columns?: number } = {}): Screen {
  const stream = (): OutputStream & { text: string } => {
    const sink = new Writable({
      write(chunk, _encoding, done) {
        fake.text += chunk
        done()
      },
    })
    const fake = Object.assign(sink, { text: '', isTTY: terminal, columns: options.columns ?? 80 })
    return fake
  }
  const [stdout, stderr] = [stream(), stream()]
  let clock = 0
  const reporter = createReporter({ stdout, stderr, env: {}, now: () => clock, ...options })
  return {
    reporter,
    out: () => stdout.text,
    err: () => stderr.text,
    wait: (seconds) => {
      clock += 1000 * seconds
    },
  }
}

/** What the bar looked like each time it was drawn. */
function frames(text: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences are what is looked for
  return text.split(/\x1b\[1G/).map((frame) => frame.replace(/\x1b(?:\[[?\d;]*[a-zA-Z]|[78])/g, ''))
}

describe('progress in a pipe', () => {
  it('is one plain line a unit, and one at the end', () => {
    const { reporter, out, err, wait } = screen(false)
    reporter.start('dense', 30, 'epochs')
    wait(2)
    reporter.update(0.5)
    wait(2)
    reporter.update(1, { loss: '0.50', rate: '3.4K images/s' })
    reporter.update(1.5)
    wait(4)
    reporter.update(2, { loss: '0.40' })
    reporter.stop('1.60% error')
    reporter.line('done')
    expect(out().split('\n')).to.deep.equal([
      'dense   1/30 epochs  loss 0.50  3.4K images/s  eta 1m 56s',
      'dense   2/30 epochs  loss 0.40  4s/epoch  eta 1m 52s',
      'dense  1.60% error',
      'done',
      '',
    ])
    expect(err()).to.equal('')
  })

  it('lets no control character through to the terminal', () => {
    const { reporter, out } = screen(false)
    reporter.line('into \x1b[31mred\x07\nand on')
    reporter.start('test', 2, 'networks')
    reporter.update(1, { layer: '\x9b2J' })
    expect(out()).to.match(/^into \\x1b\[31mred\\x07\nand on\ntest {2}1\/2 networks {2}layer \\x9b2J/)
  })

  it('does not say the last unit twice, but says what it ended in the middle of', () => {
    const { reporter, out } = screen(false)
    reporter.start('dense', 2, 'epochs')
    reporter.update(1)
    reporter.update(2)
    reporter.stop()
    reporter.start('retrain', 2, 'epochs')
    reporter.update(0.5)
    reporter.stop()
    expect(out()).to.equal('dense  1/2 epochs\ndense  2/2 epochs\nretrain  0/2 epochs  in 0ms\n')
  })

  it('is at most a hundred lines for many small units', () => {
    const { reporter, out } = screen(false)
    reporter.start('test', 10_000, 'images')
    for (let done = 16; done <= 10_000; done += 16) reporter.update(done)
    reporter.stop()
    expect(out().trimEnd().split('\n')).to.have.length(100)
  })

  it('counts from where an earlier process ended', () => {
    const { reporter, out, wait } = screen(false)
    reporter.start('dense', 30, 'epochs', 20)
    wait(1)
    reporter.update(21)
    expect(out()).to.equal('dense  21/30 epochs  1 epochs/s  eta 9s\n')
  })

  it('times a run that goes on within an epoch from there', () => {
    const { reporter, out, wait } = screen(false)
    const { denseProgress, denseEpoch } = followRun(reporter)
    const batch = { epoch: 26, epochs: 28, total: 100, loss: 0.5, samples: 100, correct: 90 }
    denseProgress?.({ ...batch, done: 75 })
    wait(10)
    denseProgress?.({ ...batch, done: 95 })
    wait(2.5)
    const errors = { trainError: 10, validationError: 11 }
    denseEpoch?.({ epoch: 26, epochs: 28, lr: 0.1, loss: 0.5, ...errors, seconds: 50, samplesPerSecond: 530 })
    expect(out()).to.equal('dense  26/28 epochs  loss 0.5000  error 11.00%  530 images/s  eta 1m 40s\n')
  })

  it('is what a terminal without a cursor gets', () => {
    const { reporter, out, err } = screen(true, { env: { TERM: 'dumb' } })
    reporter.start('dense', 2, 'epochs')
    reporter.update(1)
    reporter.stop('ended')
    expect([out(), err()]).to.deep.equal(['dense  1/2 epochs\ndense  ended\n', ''])
  })
})

describe('quiet progress', () => {
  it('is nothing', () => {
    for (const terminal of [true, false]) {
      const { reporter, out, err } = screen(terminal, { quiet: true })
      reporter.start('dense', 2, 'epochs')
      reporter.update(1)
      reporter.line('text')
      reporter.stop('ended')
      expect(out() + err()).to.equal('')
    }
  })
})

describe('progress in a terminal', () => {
  it('is a bar with count, fields, rate and time left', () => {
    const { reporter, err, wait } = screen(true)
    reporter.start('dense', 30, 'epochs')
    wait(24)
    reporter.update(12, { loss: '0.12', rate: '3.4K images/s' })
    reporter.stop()
    expect(frames(err())).to.include(
      'dense  ██████████░░░░░░░░░░░░░░ 12/30 epochs  loss 0.12  3.4K images/s  eta 36s',
    )
  })

  it('leaves one line of a task, without the bar', () => {
    const { reporter, out, err, wait } = screen(true)
    reporter.start('dense', 30, 'epochs')
    wait(90)
    reporter.update(30, { loss: '0.01' })
    reporter.stop()
    reporter.start('retrain', 8, 'epochs')
    reporter.stop('1.60% error')
    expect(out()).to.equal('dense  30/30 epochs  loss 0.01  in 1m 30s\nretrain  1.60% error\n')
    expect(frames(err()).at(-1)).to.equal('')
  })

  it('takes the bar away for lines', () => {
    const { reporter, out, err } = screen(true)
    reporter.start('dense', 30, 'epochs')
    reporter.update(3)
    const before = err().length
    reporter.line('saved')
    const [cleared, ...drawn] = frames(err().slice(before)).slice(1)
    expect(out()).to.equal('saved\n')
    expect(cleared).to.match(/^dense/)
    expect(drawn[0]).to.equal('')
    expect(drawn.at(-1)).to.match(/^dense .* 3\/30 epochs/)
    reporter.stop()
  })

  it('fits every width', () => {
    const fields = {
      loss: '0.1234',
      'validation error': '12.34%',
      'learning rate': '0.1',
      rate: '3.4K images/s',
    }
    for (const columns of [10, 20, 40, 60, 80, 81, 200]) {
      const { reporter, err, wait } = screen(true, { columns })
      reporter.start('retrain, round 3 of 5', 1000, 'epochs')
      for (let done = 0; done < 1000; done += 300) {
        wait(5000)
        reporter.update(done, fields)
        reporter.line('')
      }
      reporter.stop()
      for (const frame of frames(err())) expect([...frame].length).to.be.below(columns)
    }
  })

  it('drops fields from the last when the line is too narrow for them, then the rate', () => {
    const fields = { loss: '0.12', error: '1.70%', density: '0.4' }
    const drawnAt = (columns: number, seconds: number): string[] => {
      const { reporter, err, wait } = screen(true, { columns })
      reporter.start('dense', 9, 'epochs')
      wait(seconds)
      reporter.update(3, fields)
      reporter.stop()
      return frames(err())
    }
    expect(drawnAt(40, 0)).to.include('dense  ███░░░░░░░ 3/9 epochs  loss 0.12')
    expect(drawnAt(40, 60)).to.include('dense  ███░░░░░░░ 3/9 epochs  eta 2m 0s')
    expect(drawnAt(20, 60)).to.include('dense  3/9 epochs')
  })

  it('is colored unless NO_COLOR is set', () => {
    const colored = (env: NodeJS.ProcessEnv): boolean => {
      const { reporter, err } = screen(true, { env })
      reporter.start('dense', 2, 'epochs')
      reporter.stop()
      return err().includes('\x1b[36m')
    }
    expect(colored({})).to.equal(true)
    expect(colored({ NO_COLOR: '' })).to.equal(true)
    expect(colored({ NO_COLOR: '1' })).to.equal(false)
  })

  it('hides the cursor and the wrapping of lines only while a bar is there', () => {
    const { reporter, err } = screen(true)
    const listeners = (): number[] => ['exit', 'SIGINT', 'SIGTERM'].map((name) => process.listenerCount(name))
    const before = listeners()
    {
      using bars = reporter
      bars.start('dense', 2, 'epochs')
      expect(err().endsWith('\x1b[?25h')).to.equal(false)
      expect(listeners()).to.deep.equal(before.map((count) => count + 1))
    }
    expect(err().lastIndexOf('\x1b[?25h')).to.be.above(err().lastIndexOf('\x1b[?25l'))
    expect(err().lastIndexOf('\x1b[?7h')).to.be.above(err().lastIndexOf('\x1b[?7l'))
    expect(listeners()).to.deep.equal(before)
  })

  describe('restores the cursor', () => {
    function run(code: string) {
      const script = `
        import { createReporter } from ${JSON.stringify(new URL('../../lib/cli/progress.ts', import.meta.url).href)}
        process.stderr.isTTY = true
        const reporter = createReporter({ stderr: process.stderr })
        ${code}`
      const args = ['--import', 'tsx', '--input-type=module', '-e', script]
      const result = spawnSync(process.execPath, args, { encoding: 'utf8' })
      expect(result.stderr.lastIndexOf('\x1b[?25h'), result.stderr).to.be.above(
        result.stderr.lastIndexOf('\x1b[?25l'),
      )
      expect(result.stderr).to.include('\x1b[?25l')
      return result
    }

    it('when the process exits', () => {
      expect(run(`reporter.start('dense', 2, 'epochs'); process.exit(3)`).status).to.equal(3)
    })

    it('when it fails', () => {
      expect(run(`reporter.start('dense', 2, 'epochs'); throw new Error('failed')`).status).to.equal(1)
    })

    it('on Ctrl-C, which still ends a process that does not listen to it', () => {
      const { signal } = run(`reporter.start('dense', 2, 'epochs'); process.kill(process.pid, 'SIGINT')`)
      expect(signal).to.equal('SIGINT')
    })

    it('on Ctrl-C, and leaves the end to a process that does listen', () => {
      const { signal, status, stdout } = run(`
        process.once('SIGINT', () => setTimeout(() => { reporter.line('saved'); process.exit(130) }, 10))
        reporter.start('dense', 2, 'epochs')
        process.kill(process.pid, 'SIGINT')`)
      expect([signal, status, stdout]).to.deep.equal([null, 130, 'saved\n'])
    })
  })
})
