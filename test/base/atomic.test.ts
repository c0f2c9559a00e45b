import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'
import {
  makeFolder,
  removeLeftovers,
  temporaryName,
  writeAtomically,
  writeJsonAtomically,
  writeTextAtomically,
} from '../../lib/base/atomic.js'
import { TorchPruneError } from '../../lib/base/errors.js'

describe('writing files atomically', () => {
  let dir: string

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'torch-prune-atomic-'))
  })

  afterEach(() => rm(dir, { recursive: true, force: true }))

  async function refusal(work: Promise<unknown>): Promise<TorchPruneError> {
    const cause = await work.then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(cause).to.be.instanceOf(TorchPruneError)
    const error = cause as TorchPruneError
    expect(error.code).to.equal('ERR_OUTPUT')
    expect(error.message).to.not.include('\n')
    return error
  }

  it('writes text and indented JSON', async () => {
    await writeTextAtomically(join(dir, 'a.txt'), 'text\n')
    await writeJsonAtomically(join(dir, 'a.json'), { a: [1] })
    expect(await readFile(join(dir, 'a.txt'), 'utf8')).to.equal('text\n')
    expect(await readFile(join(dir, 'a.json'), 'utf8')).to.equal('{\n  "a": [\n    1\n  ]\n}\n')
    expect(await readdir(dir)).to.have.members(['a.txt', 'a.json'])
  })

  it('shows the old file until the new one is whole', async () => {
    const path = join(dir, 'file')
    await writeTextAtomically(path, 'old')
    await writeAtomically(path, async (temporary) => {
      await writeFile(temporary, 'half')
      expect(await readFile(path, 'utf8')).to.equal('old')
      await writeFile(temporary, 'new')
    })
    expect(await readFile(path, 'utf8')).to.equal('new')
  })

  it('leaves the old file and nothing else when writing fails, and passes the failure on', async () => {
    const path = join(dir, 'file')
    await writeTextAtomically(path, 'old')
    const failure = new Error('of its own')
    const caught = await writeAtomically(path, async (temporary) => {
      await writeFile(temporary, 'half')
      throw failure
    }).catch((cause: unknown) => cause)
    expect(caught).to.equal(failure)
    expect(await readFile(path, 'utf8')).to.equal('old')
    expect(await readdir(dir)).to.deep.equal(['file'])
  })

  it('leaves a file of its own when it is killed, which is removed by name and owner', async () => {
    const { pid } = spawnSync(process.execPath, ['--version'])
    const mine = temporaryName()
    const dead = mine.replace(`-${process.pid}-`, `-${pid}-`)
    const elsewhere = dead.replace(/prune-[\da-f]{8}/, 'prune-00000000')
    const others = ['.torch-prune-notes.tmp', '.torch-prune-x', 'model.safetensors']
    for (const name of [mine, dead, elsewhere, ...others]) await writeFile(join(dir, name), '')
    await removeLeftovers(dir)
    expect(await readdir(dir)).to.have.members([mine, elsewhere, ...others])
    await removeLeftovers(dir, { locked: true })
    expect(await readdir(dir)).to.have.members(others)
  })

  it('passes on errors about other files', async () => {
    const caught = await writeAtomically(join(dir, 'file'), async () => {
      await readFile(join(dir, 'missing'))
    }).catch((cause: unknown) => cause)
    expect(caught).to.not.be.instanceOf(TorchPruneError)
    expect(await readdir(dir)).to.deep.equal([])
  })

  it('says that the disk is full', async () => {
    const full = Object.assign(new Error('write'), { code: 'ENOSPC' })
    const error = await refusal(writeAtomically(join(dir, 'file'), () => Promise.reject(full)))
    expect(error.message).to.equal(
      `${join(dir, 'file')}: cannot be written, the disk is full; free some space and try again`,
    )
    expect(await readdir(dir)).to.deep.equal([])
  })

  it('names a missing folder before any work is done', async () => {
    let called = false
    const path = join(dir, 'missing', 'file')
    const error = await refusal(
      writeAtomically(path, async () => {
        called = true
      }),
    )
    expect(error.message).to.include(`the folder ${join(dir, 'missing')} does not exist; create it`)
    expect(called).to.equal(false)
  })

  it('refuses folders, files used as folders and devices', async () => {
    expect((await refusal(writeTextAtomically(dir, ''))).message).to.include('is a folder; give the name')
    await writeFile(join(dir, 'file'), '')
    const below = await refusal(writeTextAtomically(join(dir, 'file', 'below'), ''))
    expect(below.message).to.include('a part of the path is a file; choose another place')
    expect((await refusal(writeTextAtomically('/dev/null', ''))).message).to.include('not a regular file')
  })

  it('says that a folder may not be written', async function () {
    if (process.getuid?.() === 0) this.skip()
    await mkdir(join(dir, 'closed'), { mode: 0o500 })
    const error = await refusal(writeTextAtomically(join(dir, 'closed', 'file'), ''))
    expect(error.message).to.include('may not be written by this user')
  })

  it('keeps the mode of a file and the link to it', async () => {
    await writeFile(join(dir, 'file'), 'old', { mode: 0o600 })
    await symlink('file', join(dir, 'link'))
    await writeTextAtomically(join(dir, 'link'), 'new')
    expect(await readFile(join(dir, 'file'), 'utf8')).to.equal('new')
    expect((await stat(join(dir, 'file'))).mode & 0o777).to.equal(0o600)
  })

  it('makes folders, and says when a file is in the way', async () => {
    await makeFolder(join(dir, 'a', 'b'))
    await makeFolder(join(dir, 'a', 'b'))
    await writeFile(join(dir, 'file'), '')
    expect((await refusal(makeFolder(join(dir, 'file')))).message).to.include('a part of the path is a file')
  })

  it('names the folder in which nothing can be created', async function () {
    if (process.platform !== 'linux') this.skip()
    const refused = '/proc/x: cannot be written, nothing can be created in /proc; choose another place'
    expect((await refusal(makeFolder('/proc/x/y'))).message).to.equal(refused)
    expect((await refusal(writeTextAtomically('/proc/x', ''))).message).to.equal(refused)
  })
})
