import { spawnSync } from 'node:child_process'
import { expect } from 'chai'
import { printable, quoteForShell } from '../../lib/base/text.js'

describe('text', () => {
  it('shows what a terminal would obey', () => {
    expect(printable('a\x1b[31m\x9b\x7f\nb é')).to.equal('a\\x1b[31m\\x9b\\x7f\\x0ab é')
    expect(printable('a\n\tb', '\n')).to.equal('a\n\\x09b')
  })

  it('is read back by a shell as it was quoted', () => {
    const words = [
      'plain-1.0',
      '',
      'two words',
      "it's",
      '$HOME `x` "q"',
      'back\\slash',
      'esc\x1b[31m',
      "\n'\\",
      '~',
      '*',
      'é\x01',
      '\x9b2J',
      '\x01\\x9b',
    ]
    const command = `printf '%s\\0' ${words.map(quoteForShell).join(' ')}`
    const { stdout } = spawnSync('bash', ['-c', command], { encoding: 'utf8' })
    expect(stdout.split('\0').slice(0, -1)).to.deep.equal(words)
    expect(words.map(quoteForShell).join('')).not.to.match(/\p{Cc}/u)
  })
})
