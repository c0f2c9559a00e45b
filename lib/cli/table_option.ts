import { Option } from 'commander'
import { inWords } from '../base/kind.js'
import type { Table } from '../base/option.js'
import { parseNumber, wrong } from './values.js'

/**
 * An option of the library as an option of a command. Its name, type and range are those of its table, so that the
 * command line takes and refuses what the library does.
 *
 * @param named the option's name on the command line, if it differs
 */
export function optionOf<T extends Table>(
  table: T,
  name: keyof T & string,
  help: string,
  named: string = name,
): Option {
  const kind = table[name]!
  const schema = kind.schema?.(() => undefined) ?? {}
  const flag = `--${dashed(named)}`
  if (schema.type === 'boolean') return new Option(flag, help)
  if (Array.isArray(schema.enum)) {
    const choices = new Map(schema.enum.map((word) => [dashed(String(word)), word]))
    const list = inWords([...choices.keys()])
    return new Option(`${flag} <word>`, `${list}: ${help}`).argParser((text) => {
      if (!choices.has(text)) throw wrong(flag, list, text)
      return choices.get(text)
    })
  }
  const range = rangeInWords(schema)
  const placeholder = schema.type === 'integer' ? '<n>' : '<x>'
  return new Option(`${flag} ${placeholder}`, `${help}${range && ` (${range})`}`).argParser((text) => {
    try {
      return kind.read(parseNumber(text), flag)
    } catch {
      throw wrong(flag, kind.expected, text)
    }
  })
}

/** `batchSize` as `batch-size`. */
export function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** The largest bound that says something: beyond it, numbers are refused because they overflow. */
const LARGEST_SHOWN = 1e9

function rangeInWords({ minimum, exclusiveMinimum, maximum }: Readonly<Record<string, unknown>>): string {
  const most = typeof maximum === 'number' && maximum < LARGEST_SHOWN ? maximum : undefined
  if (exclusiveMinimum !== undefined) {
    return `over ${exclusiveMinimum}${most === undefined ? '' : `, up to ${most}`}`
  }
  if (minimum === undefined) return most === undefined ? '' : `up to ${most}`
  return most === undefined ? `${minimum} or more` : `${minimum} to ${most}`
}
