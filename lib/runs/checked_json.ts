import { checksum } from '../base/checksum.js'

const KEY = 'checksum'

/** A value with a checksum of its JSON, which `checkedJson` looks at. */
export function withChecksum<Value extends object>(value: Value): Value & { readonly checksum: string } {
  const { [KEY]: _, ...rest } = value as Value & { [KEY]?: unknown }
  return { ...(rest as Value), [KEY]: checksum(JSON.stringify(rest)) }
}

/**
 * The value without its checksum, or `damaged` where that does not match. What has none is taken as it is: other
 * programs, and earlier versions, write none.
 */
export function checkedJson(value: unknown): { readonly value: unknown; readonly damaged: boolean } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { value, damaged: false }
  const { [KEY]: found, ...rest } = value as Record<string, unknown>
  if (found === undefined) return { value, damaged: Object.keys(value).some(wasKey) }
  return { value: rest, damaged: found !== checksum(JSON.stringify(rest)) }
}

/** Whether a name is that of the checksum with one character damaged. */
function wasKey(name: string): boolean {
  if (name.length !== KEY.length) return false
  return [...KEY].filter((character, i) => name[i] !== character).length === 1
}
