import { expect } from 'chai'
import { checkToolchain } from '../../lib/install/toolchain.js'
import { Sandbox } from './sandbox.js'

describe('checkToolchain', () => {
  let box: Sandbox
  const cxx = process.env.CXX
  beforeEach(() => {
    box = new Sandbox()
    delete process.env.CXX
    box.command('g++', 'echo 12.2.0')
    box.command('cmake', 'echo cmake version 3.25.1')
    box.command('ninja', 'echo 1.11.1')
  })
  afterEach(() => {
    box.restore()
    if (cxx !== undefined) process.env.CXX = cxx
  })

  it('is content with g++, cmake and ninja', () => {
    expect(() => checkToolchain(false)).not.to.throw()
  })

  it('names the compiler that is missing and its package', () => {
    box.command('g++', 'exit 127')
    expect(() => checkToolchain(false)).to.throw(
      'the addon cannot be built: g++ was not found: install it (Debian, Ubuntu: apt-get install g++)',
    )
  })

  it('names a compiler that is too old', () => {
    box.command('g++', 'echo 10.4.0')
    expect(() => checkToolchain(false)).to.throw('g++ is 10.4.0, too old: install 11.0 or newer, or set CXX')
  })

  it('leaves a compiler that the user chose alone', () => {
    box.command('g++', 'exit 127')
    process.env.CXX = 'clang++'
    expect(() => checkToolchain(false)).not.to.throw()
  })

  it('takes make where there is no ninja', () => {
    box.command('ninja', 'exit 127')
    expect(() => checkToolchain(false)).to.throw('make was not found')
    box.command('make', 'echo GNU Make 4.3')
    expect(() => checkToolchain(false)).not.to.throw()
  })

  it('needs Python and make, and no cmake, for node-gyp', () => {
    box.command('cmake', 'exit 127')
    expect(() => checkToolchain(true)).to.throw('python3 was not found')
    box.command('python3', 'echo Python 3.11.7')
    box.command('make', 'echo GNU Make 4.3')
    expect(() => checkToolchain(true)).not.to.throw()
  })
})
