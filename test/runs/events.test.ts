import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'

import { EventLog, type NewRunEvent, readEvents } from '../../lib/runs/events.js'
import { refusedWith } from '../support/refusal.js'

const start: NewRunEvent = {
  event: 'start',
  recipe: 'lenet-5',
  seed: 0,
  device: 'cpu',
  threads: 1,
  resumed: false,
  versions: { torchPrune: '0.1.0', libtorch: '2.13.0', node: '20.20.2' },
}

function epoch(number: number): NewRunEvent {
  return { event: 'epoch', round: 0, epoch: number, epochs: 9, loss: 0.5, learningRate: 0.1, seconds: 2 }
}

describe('events.jsonl', () => {
  let dir: string
  let path: string

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'torch-prune-events-'))
    path = join(dir, 'events.jsonl')
  })

  afterEach(() => rm(dir, { recursive: true, force: true }))

  async function append(...events: NewRunEvent[]): Promise<void> {
    const log = await EventLog.open(dir)
    for (const event of events) await log.append(event)
    await log.close()
  }

  it('holds one event a line, with its time', async () => {
    await append(start, epoch(1))
    const lines = (await readFile(path, 'utf8')).split('\n')
    expect(lines).to.have.length(3)
    const events = await readEvents(dir)
    const stored = lines.slice(0, 2).map((line) => JSON.parse(line))
    expect(events).to.deep.equal(stored.map(({ checksum: _, ...event }) => event))
    for (const { checksum } of stored) expect(checksum).to.match(/^[\da-f]{8}$/)
    expect(events[1]).to.include(epoch(1))
    expect(new Date(events[0]!.time).toISOString()).to.equal(events[0]!.time)
  })

  it('goes on where it ended', async () => {
    await append(start)
    await append(epoch(1))
    expect((await readEvents(dir)).map(({ event }) => event)).to.deep.equal(['start', 'epoch'])
  })

  it('keeps the order of appends that nobody waits for', async () => {
    const log = await EventLog.open(dir)
    for (let number = 1; number <= 20; number++) void log.append(epoch(number))
    await log.close()
    const numbers = (await readEvents(dir)).map((event) => (event.event === 'epoch' ? event.epoch : 0))
    expect(numbers).to.deep.equal(Array.from({ length: 20 }, (_, index) => index + 1))
  })

  it('is on the disk when append resolves', async () => {
    const log = await EventLog.open(dir)
    await log.append(start)
    expect(await readEvents(dir)).to.have.length(1)
    await log.close()
  })

  it('drops a half-written last line, when read and when reopened', async () => {
    await append(start)
    await appendFile(path, '{"time":"2015-06-08T00:00:00.000Z","event":"epo')
    expect(await readEvents(dir)).to.have.length(1)
    await append(epoch(1))
    expect((await readEvents(dir)).map(({ event }) => event)).to.deep.equal(['start', 'epoch'])
  })

  it('writes a loss that JSON cannot say as null', async () => {
    await append({ ...epoch(1), loss: NaN } as NewRunEvent)
    expect((await readEvents(dir))[0]).to.include({ event: 'epoch', loss: null })
  })

  it('leaves out events and keeps fields of later versions', async () => {
    await append(start)
    await appendFile(
      path,
      '{"event":"toString"}\n{"event":"end","time":"2015-06-08T00:00:00Z","seconds":1,"new":2}\n',
    )
    expect((await readEvents(dir)).at(-1)).to.deep.equal({
      event: 'end',
      time: '2015-06-08T00:00:00Z',
      seconds: 1,
      new: 2,
    })
  })

  it('refuses a line that does not match its checksum, and goes on behind it, saying so', async () => {
    await append(start, epoch(1))
    await writeFile(path, (await readFile(path, 'utf8')).replace('"epochs":9', '"epochs":8'))
    expect(await refusedWith(readEvents(dir))).to.equal(
      `${path}: line 2 is damaged: it does not match its checksum; delete that line`,
    )
    await appendFile(path, '{"time":')
    await using log = await EventLog.open(dir)
    expect(log.damage.map(({ message }) => message)).to.deep.equal([
      `${path}: line 2 is damaged: it does not match its checksum; delete that line`,
      `${path}: its last line is cut short and was removed`,
    ])
    await log.append(epoch(2))
    expect((await readFile(path, 'utf8')).split('\n')).to.have.length(4)
  })

  it('names a damaged line', async () => {
    await append(start)
    await appendFile(path, 'nonsense\n')
    await append(epoch(1))
    expect(await refusedWith(readEvents(dir))).to.equal(
      `${path}: line 2 is damaged: not JSON; delete that line`,
    )
    await writeFile(path, '{"event":"end","time":"yesterday","seconds":1}\n')
    expect(await refusedWith(readEvents(dir))).to.match(/line 1 is damaged: time: .*; delete that line$/)
    await writeFile(path, '3\n')
    expect(await refusedWith(readEvents(dir))).to.match(/line 1 is damaged/)
  })

  it('refuses a folder without events, and one that cannot be', async () => {
    expect(await refusedWith(readEvents(dir))).to.include('events.jsonl: does not exist')
    await writeFile(path, '')
    expect(await refusedWith(EventLog.open(path), 'ERR_OUTPUT')).to.include('choose another place')
  })
})
