import { linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { listClassFolders, pathBytes, shown } from '../../lib/data/image_files.js'

describe('folders of classes', () => {
  let root: string
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'torch-prune-folders-'))
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  const put = (...path: (string | Buffer)[]) => {
    const bytes = Buffer.concat(path.flatMap((part) => [Buffer.from('/'), Buffer.from(part)]))
    mkdirSync(Buffer.concat([Buffer.from(root), bytes.subarray(0, bytes.lastIndexOf('/'))]), {
      recursive: true,
    })
    writeFileSync(Buffer.concat([Buffer.from(root), bytes]), '')
  }
  const listed = async () => {
    const { classes, files } = await listClassFolders(root)
    const below = files.map(({ path, label }) => `${label} ${shown(path).slice(root.length + 1)}`)
    return { classes, files: below }
  }

  it('sort classes by code points, as Python does', async () => {
    for (const name of ['😀', 'ﬀ', 'b', 'a', '猫']) put(name, '1.jpg')
    expect((await listed()).classes).to.deep.equal(['a', 'b', '猫', 'ﬀ', '😀'])
  })

  it("list each folder's own files, the folders by their paths, as torchvision's ImageFolder does", async () => {
    for (const path of ['z.jpg', 'b/2.jpg', 'b/c/1.jpg', 'b-a/3.jpg', 'b/10.jpg'])
      put('k', ...path.split('/'))
    expect((await listed()).files).to.deep.equal([
      '0 k/z.jpg',
      '0 k/b/10.jpg',
      '0 k/b/2.jpg',
      '0 k/b-a/3.jpg',
      '0 k/b/c/1.jpg',
    ])
  })

  it('keep the bytes of names that are no UTF-8', async () => {
    put('k', Buffer.from('m\xe4dchen.jpg', 'latin1'))
    put('k', 'mädchen.jpg')
    const { files } = await listClassFolders(root)
    expect(files).to.have.length(2)
    const bytes = Buffer.from(pathBytes(files))
    expect(bytes.includes(Buffer.from('k/m\xe4dchen.jpg\0', 'latin1'))).to.equal(true)
    expect(bytes.includes(Buffer.from('k/mädchen.jpg\0'))).to.equal(true)
  })

  it('follow links, but none to a folder that they are in', async () => {
    put('k', '1.jpg')
    put('k', 'inner', '2.jpg')
    symlinkSync('.', join(root, 'k/self'))
    symlinkSync('..', join(root, 'k/inner/up'))
    symlinkSync(join(root, 'k/inner'), join(root, 'k/again'))
    expect((await listed()).files).to.deep.equal(['0 k/1.jpg', '0 k/again/2.jpg', '0 k/inner/2.jpg'])
  })

  it('pass over what is never decoded, and say so where nothing else is there', async () => {
    put('k', '1.jpg')
    put('k', '2.bmp')
    put('k', '.hidden.jpg')
    expect((await listed()).files).to.deep.equal(['0 k/1.jpg'])
    put('l', '3.ppm')
    const error = await listClassFolders(root).catch((cause) => cause)
    expect(error.message).to.match(/\/l: holds no images \(jpg, jpeg, png, .*\); remove the folder/)
  })

  it('may hold more files than a call may have arguments', async () => {
    put('k', '0.jpg')
    const first = join(root, 'k/0.jpg')
    for (let i = 1; i < 10_000; i++) linkSync(first, join(root, 'k', `${i}.jpg`))
    const { files } = await listClassFolders(root)
    expect(files).to.have.length(10_000)
    const names = files.map(({ path }) => path as string)
    expect(names).to.deep.equal([...names].sort())
    let turns = 0
    const counting = setInterval(() => {
      turns += 1
    }, 0)
    await listClassFolders(root)
    clearInterval(counting)
    expect(turns).to.be.above(2)
  })
})
