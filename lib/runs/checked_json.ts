import { checksum } from '../base/checksum.js'

const KEY = 'checksum'

/** Adds a checksum of a value's JSON, which `checkedJson` verifies. */
export function withChecksum<Value extends object>(value: Value): Value & { readonly checksum: string } {
  const { [KEY]: _, ...rest } = value as Value & { [KEY]?: unknown }
  return { ...(rest as Value), [KEY]: checksum(JSON.stringify(rest)) }
}

/**
 * Returns the value without its checksum, and whether it is `damaged`, that is, does not match it. A value without a
 * checksum is accepted as it is, because other programs and earlier versions write none.
 */
export function checkedJson(value: unknown): { readonly value: unknown; readonly damaged: boolean } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { value, damaged: false }
  const { [KEY]: found, ...rest } = value as Record<string, unknown>
  if (found === undefined) return { value, damaged: Object.keys(value).some(wasKey) }
  return { value: rest, damaged: found !== checksum(JSON.stringify(rest)) }
}

/** Whether a name is that of the checksum with one damaged character. */
function wasKey(name: string): boolean {
  if (name.length !== KEY.length) return false
  return [...KEY].filter((character, i) => name[i] !== character).length === 1
}
