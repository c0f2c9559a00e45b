import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Lock } from '../../lib/base/lock.js'
import { thisProcess } from '../../lib/base/process.js'
import { refusedWith } from '../support/refusal.js'

describe('a lock', () => {
  let dir: string
  let path: string

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'torch-prune-lock-'))
    path = join(dir, 'run.lock')
  })

  afterEach(() => rm(dir, { recursive: true, force: true }))

  const take = () => Lock.take(path, dir)
  /** A lock of an owner that differs from this process, which gave its last sign of life that long ago. */
  async function leave(owner: object, silentSeconds = 0): Promise<void> {
    const own = { ...thisProcess(), command: 'main.js run x', since: '2026-01-02T03:04:05.000Z', id: 'other' }
    await writeFile(path, JSON.stringify({ ...own, ...owner }))
    const then = Date.now() / 1000 - silentSeconds
    await utimes(path, then, then)
  }
  /** The number of a process that is gone. */
  const dead = () => spawnSync(process.execPath, ['--version']).pid

  it('names its owner while it is held, and is gone afterwards', async () => {
    {
      await using lock = await take()
      expect(lock.before).to.equal(undefined)
      expect(JSON.parse(await readFile(path, 'utf8'))).to.include(thisProcess())
      const message = await refusedWith(take(), 'ERR_BUSY')
      expect(message).to.match(
        new RegExp(
          `^${dir} is in use by process ${process.pid} on \\S+ \\(.+\\) since \\d{4}-.+Z: wait until`,
        ),
      )
    }
    expect(await readdir(dir)).to.deep.equal([])
  })

  it('is one for all who ask at once', async () => {
    const asked = await Promise.allSettled(Array.from({ length: 8 }, take))
    const taken = asked.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
    expect(taken).to.have.length(1)
    await taken[0]![Symbol.asyncDispose]()
    expect(await readdir(dir)).to.deep.equal([])
  })

  it('is taken over from a process that died, and says so', async () => {
    const pid = dead()
    await leave({ pid })
    await using lock = await take()
    expect(lock.before).to.include({ pid, command: 'main.js run x' })
  })

  it('is taken over from a process whose number another one has got', async () => {
    await leave({ pid: process.ppid, born: '1' })
    await using lock = await take()
    expect(lock.before?.pid).to.equal(process.ppid)
  })

  it('is not taken from another thread of a process that lives', async () => {
    await leave({}, 1)
    expect(await refusedWith(take(), 'ERR_BUSY')).to.include('main.js run x')
  })

  it('of a container that cannot be seen into is taken once it is silent', async () => {
    await leave({ place: 'elsewhere' }, 30)
    expect(await refusedWith(take(), 'ERR_BUSY')).to.include('wait until it ends')
    await leave({ place: 'elsewhere' }, 120)
    await using lock = await take()
    expect(lock.before?.place).to.equal('elsewhere')
  })

  it('of another machine is left to people, who are told what to remove', async () => {
    await leave({ host: 'other-machine' }, 1e6)
    const message = await refusedWith(take(), 'ERR_BUSY')
    expect(message).to.match(
      /process \d+ on other-machine \(main\.js run x\) since 2026-01-02T03:04:05\.000Z/,
    )
    expect(message.endsWith(`or remove ${path} if it has ended`)).to.equal(true)
  })

  it('that was cut short is taken once it is old, and shows no control characters', async () => {
    await writeFile(path, '{"pid":')
    await refusedWith(take(), 'ERR_BUSY')
    await utimes(path, 0, 0)
    await (await take())[Symbol.asyncDispose]()
    await leave({ command: '\x1b[2J\nx' })
    expect(await refusedWith(take(), 'ERR_BUSY')).to.not.match(/\p{Cc}/u)
  })

  it('leaves alone what somebody else put in its place', async () => {
    const lock = await take()
    await leave({})
    await lock[Symbol.asyncDispose]()
    expect(JSON.parse(await readFile(path, 'utf8')).id).to.equal('other')
  })

  it('cannot be taken where nothing can be written', async () => {
    expect(await refusedWith(Lock.take(join(dir, 'none', 'run.lock'), 'none'), 'ERR_OUTPUT')).to.include(
      'does not exist',
    )
  })
})
