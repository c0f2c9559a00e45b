import { existsSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { expect } from 'chai'
import { loadAddon, openLibtorch } from '../../lib/binding/addon.js'
import { findAddon, libtorchFor } from '../../lib/install/addon_files.js'
import { readRecord, writeRecord } from '../../lib/install/record.js'
import { Sandbox } from '../install/sandbox.js'

describe('an addon that does not fit', () => {
  let box: Sandbox
  beforeEach(() => {
    box = new Sandbox()
    box.write('addon/torch_prune.node', 'not a library')
    box.write('addon/loader.node', 'not a library')
    process.env.TORCH_PRUNE_ADDON = box.path('addon')
  })
  afterEach(() => box.restore())

  const record = (libtorch: string, dir?: string) =>
    writeRecord(box.path('addon'), { libtorch, cuda: false, torchPrune: '0.1.0', ...(dir ? { dir } : {}) })
  const find = () => {
    const { folder, record } = findAddon()
    return libtorchFor(folder, record)
  }

  it('is named when TORCH_PRUNE_ADDON holds no whole build', () => {
    expect(() => findAddon())
      .to.throw(
        /^TORCH_PRUNE_ADDON is .*, which lacks torch_prune\.node, loader\.node or torch_prune\.json: set it/,
      )
      .with.property('code', 'ERR_LIBTORCH')
    box.write('addon/torch_prune.json', '{"libtorch": 2}')
    expect(() => findAddon()).to.throw('which lacks')
  })

  it('runs on the libtorch of its record without asking Python', () => {
    record('2.13.0+cpu', box.libtorch('there', '2.13.0+cpu'))
    box.command('python3', `: > '${box.path('asked')}'`)
    expect(find()).to.include({ dir: box.path('there') })
    expect(existsSync(box.path('asked'))).to.equal(false)
  })

  it('looks elsewhere when the recorded folder holds another version now', () => {
    record('2.13.0+cpu', box.libtorch('there', '2.14.1+cpu'))
    const dir = box.libtorch('cache/libtorch-2.13.0+cpu/torch', '2.13.0+cpu')
    expect(find()).to.include({ dir, source: 'cache' })
  })

  it("passes over a Python's torch of another version", () => {
    record('2.13.0+cpu')
    box.python(box.libtorch('python/torch', '2.14.1+cpu'))
    const dir = box.libtorch('cache/libtorch-2.13.0+cpu/torch', '2.13.0+cpu')
    expect(find()).to.include({ dir, source: 'cache' })
  })

  it('prefers LIBTORCH to its record', () => {
    record('2.13.0+cpu', box.libtorch('there', '2.13.0+cpu'))
    process.env.LIBTORCH = box.libtorch('named', '2.13.0+cpu')
    expect(find()).to.include({ dir: box.path('named'), source: 'LIBTORCH' })
  })

  it('refuses another LIBTORCH with both versions and the mends', () => {
    record('2.13.0+cpu', box.libtorch('there', '2.13.0+cpu'))
    process.env.LIBTORCH = box.libtorch('named', '2.14.1+cpu')
    expect(() => loadAddonFresh()).to.throw(
      /^the addon in .* needs libtorch 2\.13\.0\+cpu, which it was built for, but LIBTORCH is 2\.14\.1\+cpu .*: .* fetch-libtorch fetches it \(then unset LIBTORCH\), or build/,
    )
  })

  it('refuses another build of the same version', () => {
    record('2.13.0')
    box.libtorch('cache/libtorch-2.13.0+cpu/torch', '2.13.0+cpu')
    expect(() => find()).to.throw(
      /^the addon in .* needs libtorch 2\.13\.0, which .*, but 2\.13\.0\+cpu was found/,
    )
  })

  it('says that there is no libtorch', () => {
    record('2.13.0+cpu', box.path('gone'))
    expect(() => find()).to.throw(
      /^the addon in .* needs libtorch 2\.13\.0\+cpu, which .*, but none was found: .* fetch-libtorch fetches it/,
    )
  })

  it('gives one line when a binary cannot be opened', () => {
    record('2.13.0+cpu', box.libtorch('there', '2.13.0+cpu'))
    expect(() => loadAddonFresh()).to.throw(/^libtorch 2\.13\.0\+cpu in .* cannot be loaded \(.*\): [^\n]*$/)
  })

  it('is unknown when its record is not one', () => {
    box.write('other/torch_prune.json', 'half a rec')
    expect(readRecord(box.path('other'))).to.equal(null)
  })

  /** loadAddon keeps what it loaded first; what it does before that is the same. */
  function loadAddonFresh(): void {
    const { folder, record } = findAddon()
    openLibtorch(folder, libtorchFor(folder, record))
  }
})

describe('loadAddon', () => {
  it('gives the same addon each time', () => {
    expect(loadAddon()).to.equal(loadAddon())
    expect(loadAddon().versions().libtorch).to.match(/^\d+\.\d+\.\d+/)
  })

  it('works in worker threads, again and again', async () => {
    for (let round = 0; round < 4; round++) {
      const workers = [0, 1].map(() => new Worker(new URL('./load-worker.mjs', import.meta.url)))
      const answers = workers.map(
        (worker) => new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject)),
      )
      const codes = workers.map((worker) => new Promise((resolve) => worker.on('exit', resolve)))
      expect(await Promise.all(answers)).to.deep.equal([loadAddon().versions(), loadAddon().versions()])
      expect(await Promise.all(codes)).to.deep.equal([0, 0])
    }
  })
})
