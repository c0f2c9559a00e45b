import { spawnSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { temporaryName } from '../../lib/base/atomic.js'
import { OwnFolder, ownFile } from '../../lib/runs/own_folder.js'
import { temporaryFolder } from '../cli/command.js'
import { refusedWith } from '../support/refusal.js'

describe('what a process works on alone', () => {
  const box = temporaryFolder()
  after(() => box.dispose())

  it('is a file, whose folder it cleans of what dead processes left', async () => {
    const { pid } = spawnSync(process.execPath, ['--version'])
    const [mine, dead] = [temporaryName(), temporaryName().replace(`-${process.pid}-`, `-${pid}-`)]
    for (const name of [mine, dead]) writeFileSync(box.path(name), '')
    const out = box.path('small.safetensors')
    const lock = await ownFile(out)
    expect(await refusedWith(ownFile(out), 'ERR_BUSY')).to.include(
      `${out} is in use by process ${process.pid}`,
    )
    expect(readdirSync(box.path())).to.have.members([mine, 'small.safetensors.lock'])
    await lock[Symbol.asyncDispose]()
    expect(readdirSync(box.path())).to.deep.equal([mine])
  })

  it('is a folder, which goes when nothing came of it', async () => {
    const folder = box.path('run')
    const own = await OwnFolder.open(folder)
    expect(await refusedWith(OwnFolder.open(folder), 'ERR_BUSY')).to.include(folder)
    await own[Symbol.asyncDispose]()
    expect(readdirSync(box.path())).not.to.include('run')
    const kept = await OwnFolder.open(folder)
    writeFileSync(box.path('run', 'events.jsonl'), '')
    await kept[Symbol.asyncDispose]()
    expect(readdirSync(folder)).to.deep.equal(['events.jsonl'])
  })

  it('is a folder, where what was measured of a run goes with it when another replaces it', async () => {
    const folder = box.path('replaced')
    await using own = await OwnFolder.open(folder)
    for (const name of ['run.json', 'bench.json', 'notes.txt']) writeFileSync(box.path('replaced', name), '')
    await own.replace()
    writeFileSync(`${own.work}/run.json`, '{}')
    await own.finish()
    expect(readdirSync(folder)).to.have.members(['run.json', 'notes.txt', 'run.lock'])
  })
})
