import { expect } from 'chai'
import { findLibtorch, readLibtorch } from '../../lib/install/libtorch.js'
import { Sandbox } from './sandbox.js'

describe('findLibtorch', () => {
  let box: Sandbox
  beforeEach(() => {
    box = new Sandbox()
  })
  afterEach(() => box.restore())

  it('takes LIBTORCH before Python and the cache', () => {
    process.env.LIBTORCH = box.libtorch('named', '2.13.0+cpu')
    box.python(box.libtorch('python/torch', '2.14.1'))
    box.libtorch('cache/libtorch-2.14.1/torch', '2.14.1')
    expect(findLibtorch()).to.deep.equal({
      dir: box.path('named'),
      version: '2.13.0+cpu',
      source: 'LIBTORCH',
      cuda: false,
    })
  })

  it('takes the torch of the Python on the PATH before the cache', () => {
    box.python(box.libtorch('python/torch', '2.14.1+cu130', { cuda: true }))
    box.libtorch('cache/libtorch-2.13.0+cpu/torch', '2.13.0+cpu')
    expect(findLibtorch()).to.include({ source: 'python', version: '2.14.1+cu130', cuda: true })
  })

  it('asks python where there is no python3', () => {
    box.command('python', `echo '${box.libtorch('python/torch', '2.13.0+cpu')}'`)
    expect(findLibtorch()).to.include({ source: 'python' })
  })

  it('takes the cache when Python has no torch, or there is no Python', () => {
    const dir = box.libtorch('cache/libtorch-2.13.0+cpu/torch', '2.13.0+cpu')
    expect(findLibtorch()).to.include({ source: 'cache', dir })
    box.python()
    expect(findLibtorch()).to.include({ source: 'cache', dir })
  })

  it('finds none on a machine without any', () => {
    expect(findLibtorch()).to.equal(null)
  })

  it('passes over a fetch that was cut short', () => {
    box.libtorch('cache/.partial-123/tree/torch', '2.13.0+cpu')
    box.write('cache/libtorch-2.13.0+cpu/torch/version.py', "__version__ = '2.13.0+cpu'\n")
    expect(findLibtorch()).to.equal(null)
  })

  it('takes the newest of the cache that is wanted', () => {
    for (const version of ['2.9.1+cpu', '2.13.0+cpu', '2.10.0+cpu']) {
      box.libtorch(`cache/libtorch-${version}/torch`, version)
    }
    box.libtorch('cache/libtorch-2.14.1+cu130/torch', '2.14.1+cu130', { cuda: true })
    expect(findLibtorch({ cuda: false })).to.include({ version: '2.13.0+cpu' })
    expect(findLibtorch({ cuda: true })).to.include({ version: '2.14.1+cu130' })
    expect(findLibtorch({ version: '2.9.1' })).to.include({ version: '2.9.1+cpu' })
    expect(findLibtorch({ version: '2.9.1+cu126' })).to.equal(null)
  })

  it('passes over a Python torch of the other build', () => {
    box.python(box.libtorch('python/torch', '2.14.1+cu130', { cuda: true }))
    box.libtorch('cache/libtorch-2.13.0+cpu/torch', '2.13.0+cpu')
    expect(findLibtorch({ cuda: false })).to.include({ source: 'cache' })
  })

  it('says that LIBTORCH is wrong rather than looking elsewhere', () => {
    box.python(box.libtorch('python/torch', '2.13.0+cpu'))
    const wrong = (value: string, reason: string) => {
      process.env.LIBTORCH = value
      expect(() => findLibtorch())
        .to.throw(`LIBTORCH is ${value}, ${reason}`)
        .with.property('code', 'ERR_LIBTORCH')
    }
    wrong(box.path('nowhere'), 'which does not exist: set it to a libtorch folder')
    box.write('empty/file')
    wrong(box.path('empty'), 'which has no lib/libtorch_cpu.so')
    box.write('mute/lib/libtorch_cpu.so')
    wrong(box.path('mute'), 'which does not say its version')
  })

  it('says that LIBTORCH is not the build that was asked for', () => {
    process.env.LIBTORCH = box.libtorch('named', '2.13.0+cpu')
    expect(() => findLibtorch({ cuda: true })).to.throw('2.13.0 (CUDA) was requested')
  })

  it('refuses a version that is too old and names the way round', () => {
    box.python(box.libtorch('python/torch', '2.8.1+cpu'))
    expect(() => findLibtorch()).to.throw(
      /^libtorch 2\.8\.1\+cpu in .* only 2\.9 and newer .*TORCH_PRUNE_ANY_LIBTORCH=1/,
    )
    process.env.TORCH_PRUNE_ANY_LIBTORCH = '1'
    expect(findLibtorch()).to.include({ version: '2.8.1+cpu' })
  })

  it('accepts 2.9 and newer', () => {
    for (const version of ['2.9.0+cpu', '2.10.0', '2.14.1+cu130', '3.0.0a0']) {
      process.env.LIBTORCH = box.libtorch(`v${version}`, version)
      expect(findLibtorch()).to.include({ version })
    }
  })
})

describe('readLibtorch', () => {
  let box: Sandbox
  beforeEach(() => {
    box = new Sandbox()
  })
  afterEach(() => box.restore())

  it('reads the version of an archive from build-version', () => {
    box.write('lib/libtorch_cpu.so')
    box.write('build-version', '2.13.0+cu130\n')
    expect(readLibtorch(box.folder, 'cache')).to.include({ version: '2.13.0+cu130' })
  })

  it('reads the version from the header where nothing else says it', () => {
    box.write('lib/libtorch_cpu.so')
    const lines = [
      '#define TORCH_VERSION_MAJOR 2',
      '#define TORCH_VERSION_MINOR 9',
      '#define TORCH_VERSION_PATCH 1',
    ]
    box.write('include/torch/csrc/api/include/torch/version.h', `#pragma once\n${lines.join('\n')}\n`)
    expect(readLibtorch(box.folder, 'cache')).to.include({ version: '2.9.1' })
  })
})
