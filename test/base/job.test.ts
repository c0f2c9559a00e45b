import { expect } from 'chai'

import { onAbort } from '../../lib/base/abort.js'
import { Job } from '../../lib/base/job.js'
import { refusal } from '../support/refusal.js'

/** Counts to `last`, one a microtask, and says how far it is. */
function counting(last: number, options: { fails?: Error; signal?: AbortSignal } = {}) {
  const seen = { at: 0, ended: false, aborted: undefined as unknown }
  const job = new Job<number, string>(async function* (signal) {
    try {
      while (seen.at < last) {
        await undefined
        signal.throwIfAborted()
        yield ++seen.at
      }
      if (options.fails) throw options.fails
      return 'done'
    } catch (error) {
      if (signal.aborted && error === signal.reason) seen.aborted = error
      throw error
    } finally {
      seen.ended = true
    }
  }, options.signal)
  return { job, seen }
}

const settled = () => new Promise(setImmediate)

const failure = (work: PromiseLike<unknown>) =>
  work.then(
    () => expect.fail('it was fulfilled'),
    (error: unknown) => error,
  )

describe('a job', () => {
  it('calls nobody back before whoever starts it has it in hand', async () => {
    let begun = false
    // biome-ignore lint/correctness/useYield: it has no events
    const job = new Job<never, string>(async function* () {
      begun = true
      return 'done'
    })
    expect(begun).to.equal(false)
    expect(await job).to.equal('done')
    expect(begun).to.equal(true)
  })

  it('begins at once, and runs on while nobody follows it', async () => {
    const { seen } = counting(3)
    await settled()
    expect(seen).to.include({ at: 3, ended: true })
  })

  it('says whether it runs, how it ended, and how far it is', async () => {
    const states: string[] = []
    const work = (end: () => string) =>
      new Job<number, string, number>(async function* (signal, report) {
        report(1)
        yield 1
        signal.throwIfAborted()
        report(2)
        return end()
      })
    const done = work(() => 'done')
    expect([done.state, done.progress]).to.deep.equal(['running', undefined])
    await done
    expect([done.state, done.progress]).to.deep.equal(['done', 2])
    const failed = work(() => {
      throw new Error('no')
    })
    await failure(failed)
    states.push(failed.state)
    const cancelled = work(() => 'done')
    cancelled.cancel()
    expect(((await failure(cancelled)) as Error).name).to.equal('AbortError')
    states.push(cancelled.state)
    done.cancel()
    states.push(done.state)
    expect(states).to.deep.equal(['failed', 'cancelled', 'done'])
    expect(new Set([done.id, failed.id, cancelled.id]).size).to.equal(3)
  })

  it('is a promise in every way', async () => {
    const error = new Error('no')
    const all = await Promise.all([counting(2).job, counting(1).job.then((text) => text.length)])
    expect(all).to.deep.equal(['done', 4])
    expect(await Promise.race([counting(1).job])).to.equal('done')
    const statuses = await Promise.allSettled([counting(1).job, counting(1, { fails: error }).job])
    expect(statuses.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected'])
    expect(await counting(1, { fails: error }).job.catch((cause: unknown) => cause)).to.equal(error)
    let ended = 0
    await counting(1).job.finally(() => ended++)
    expect(ended).to.equal(1)
    expect(String(counting(0).job)).to.equal('[object Job]')
    const { job } = counting(1)
    expect([await job, await job, await job.result()]).to.deep.equal(['done', 'done', 'done'])
    expect(await (async () => counting(1).job)()).to.equal('done')
  })

  it('waits for its follower between events', async () => {
    const { job, seen } = counting(3)
    const events: number[] = []
    for await (const event of job) {
      events.push(event)
      await settled()
      expect(seen.at).to.equal(event)
    }
    expect(events).to.deep.equal([1, 2, 3])
    expect(await job).to.equal('done')
  })

  it('keeps the events that came before somebody followed', async () => {
    const { job } = counting(3)
    await job
    const events: number[] = []
    for await (const event of job) events.push(event)
    expect(events).to.deep.equal([1, 2, 3])
  })

  it('is iterated only once', async () => {
    const { job } = counting(2)
    for await (const _ of job);
    expect(refusal(() => job[Symbol.asyncIterator]()).message).to.match(/^a job can be iterated only once/)
    expect(await job).to.equal('done')
  })

  it('stops when its loop is left, and has ended then', async () => {
    const { job, seen } = counting(1e9)
    for await (const event of job) if (event === 2) break
    expect(seen).to.include({ at: 2, ended: true })
    expect(seen.aborted, 'as an abort does').to.include({ name: 'AbortError' })
    expect(await failure(job)).to.include({ name: 'AbortError', message: 'the job was left before its end' })
  })

  it('stops when its loop is left while it is ahead of its follower', async () => {
    const { job, seen } = counting(20)
    await settled()
    for await (const _ of job) break
    expect(seen.ended).to.equal(true)
    expect(await job).to.equal('done')
  })

  it('ends its loop with its failure', async () => {
    const fails = new Error('no')
    const { job } = counting(1, { fails })
    const follow = async () => {
      for await (const _ of job);
    }
    expect(await failure(follow())).to.equal(fails)
    expect(await failure(job)).to.equal(fails)
  })

  it('leaves no rejection unhandled that its follower saw, and every other one', async () => {
    const unhandled: unknown[] = []
    const before = process.rawListeners('unhandledRejection') as (() => void)[]
    process.removeAllListeners('unhandledRejection')
    const note = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', note)
    try {
      const seen = new Error('seen')
      const forgotten = new Error('forgotten')
      const { job } = counting(1, { fails: seen })
      const follow = async () => {
        for await (const _ of job);
      }
      await failure(follow())
      counting(1, { fails: forgotten })
      await settled()
      await settled()
      expect(unhandled).to.deep.equal([forgotten])
    } finally {
      process.off('unhandledRejection', note)
      for (const listener of before) process.on('unhandledRejection', listener)
    }
  })

  it('does nothing when it was aborted before', async () => {
    const reason = new Error('changed my mind')
    const { job, seen } = counting(3, { signal: AbortSignal.abort(reason) })
    expect(await failure(job)).to.equal(reason)
    expect(seen.at).to.equal(0)
  })

  it('stops at once when it is aborted while it waits for its follower', async () => {
    const controller = new AbortController()
    const { job, seen } = counting(9, { signal: controller.signal })
    const follow = async () => {
      for await (const event of job) {
        if (event < 2) continue
        controller.abort('why')
        await settled()
        expect(seen).to.include({ at: 2, ended: true, aborted: 'why' })
      }
    }
    expect(await failure(follow())).to.equal('why')
  })

  it('refuses what is no signal, and takes a polyfill of one', async () => {
    const wrong = (signal: unknown) => refusal(() => counting(1, { signal: signal as AbortSignal })).message
    expect(wrong(new AbortController())).to.equal(
      'signal must be an AbortSignal, got an AbortController: pass its signal',
    )
    expect(wrong(true)).to.match(/^signal must be an AbortSignal, got true/)
    expect(wrong({})).to.match(/got an object/)
    const polyfill = Object.assign(new EventTarget(), { aborted: false })
    const { job } = counting(1e9, { signal: polyfill as unknown as AbortSignal })
    job.catch(() => {})
    polyfill.aborted = true
    polyfill.dispatchEvent(new Event('abort'))
    expect(await failure(job)).to.include({ name: 'AbortError' })
  })
})

describe('a signal that much work shares', () => {
  it('has one listener, and none when the work is over', async () => {
    const { signal } = new AbortController()
    let listening = 0
    const { addEventListener, removeEventListener } = signal
    signal.addEventListener = (...args: [string, () => void]) => {
      listening++
      addEventListener.apply(signal, args)
    }
    signal.removeEventListener = (...args: [string, () => void]) => {
      listening--
      removeEventListener.apply(signal, args)
    }
    const jobs = Array.from({ length: 200 }, () => counting(2, { signal }).job)
    expect(listening).to.equal(1)
    await Promise.all(jobs)
    expect(listening).to.equal(0)
  })

  it('tells each of them once, and those that were called off nothing', () => {
    const controller = new AbortController()
    const told: string[] = []
    const listener = () => told.push('twice')
    onAbort(controller.signal, listener)
    onAbort(controller.signal, listener)
    onAbort(controller.signal, () => told.push('never'))()
    controller.abort()
    expect(told).to.deep.equal(['twice', 'twice'])
  })
})
