import { TorchPruneError } from '../base/errors.js'
import { type Kind, number } from '../base/kind.js'
import { repeated } from '../base/lists.js'

/** Reads a whole number of `least` to `most`. */
export function whole(option: string, least: number, most: number = Number.MAX_SAFE_INTEGER) {
  const range =
    most === Number.MAX_SAFE_INTEGER && least > 0 ? `of ${least} or more` : `of ${least} to ${most}`
  return (text: string): number => {
    const value = parseNumber(text)
    if (Number.isInteger(value) && value >= least && value <= most) return value
    throw wrong(option, `a whole number ${range}`, text)
  }
}

/** Reads a number of 0 or more, or over 0. */
export function real(option: string, { over0 = false, most = Number.MAX_VALUE } = {}) {
  const least = over0 ? 'over 0' : 'of 0 or more'
  return (text: string): number => {
    const value = parseNumber(text)
    if ((over0 ? value > 0 : value >= 0) && value <= most) return value
    throw wrong(option, most === Number.MAX_VALUE ? `a number ${least}` : `a number in 0..${most}`, text)
  }
}

/** Reads one number for all layers, or one for each: `fc1=0.3,fc2=0.2`. */
export function perLayer(option: string, kind: Kind<number>) {
  const one = (text: string): number => {
    try {
      return kind.read(parseNumber(text), option)
    } catch {
      const expected = kind.expected.replace(/ \(.*\)$/, '')
      throw wrong(option, `${expected}, for all layers or by layer as in fc1=…,fc2=…`, text)
    }
  }
  return (text: string): number | Record<string, number> => {
    if (!text.includes('=')) return one(text)
    const parts = text.split(',').map((part) => {
      const at = part.lastIndexOf('=')
      if (at <= 0) throw wrong(option, 'a layer and a number in each part, as in fc1=1,fc2=2', part)
      return [part.slice(0, at).trim(), one(part.slice(at + 1))] as const
    })
    const twice = repeated(parts.map(([layer]) => layer))
    if (twice !== undefined) throw wrong(option, `one number for ${twice}`, text)
    return Object.fromEntries(parts)
  }
}

/** A share of weights to keep: nothing passes through a layer without any. */
export const keptShare = number({ over: 0, most: 1 })

/** Reads shares of weights to keep: `0.5,0.2,0.1`. */
export function densities(text: string): number[] {
  return text.split(',').map((part) => {
    try {
      return keptShare.read(parseNumber(part), '--densities')
    } catch {
      throw wrong('--densities', 'numbers over 0 and up to 1, as 0.5,0.2,0.1', part)
    }
  })
}

/** Reads words of a list, separated by commas. */
export function words<Word extends string>(option: string, known: readonly Word[]) {
  return (text: string): Word[] =>
    text.split(',').map((part) => {
      const word = known.find((candidate) => candidate === part.trim())
      if (word === undefined) throw wrong(option, `a list of ${known.join(', ')}`, part)
      return word
    })
}

/** Reads a number, or NaN. Number() alone takes blanks, hexadecimal and 'Infinity' too. */
export function parseNumber(text: string): number {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim()) ? Number(text) : Number.NaN
}

export function wrong(option: string, expected: string, text: string): TorchPruneError {
  return new TorchPruneError('ERR_ARGUMENT', `${option} takes ${expected}, got '${text}'`)
}
