/** Makes a name from outside safe to show: quoted, on one line, and at most 80 characters long. */
export function quoted(name: string): string {
  const short = JSON.stringify(name.length > 80 ? `${name.slice(0, 79)}…` : name)
  // JSON lets DEL and the controls after it through, but a terminal obeys them.
  return short.replace(/\p{Cc}/gu, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/**
 * Describes any value in a few words, for an error that says what was given: `'adam'`, `an array of 3`, `a Dataset`.
 */
export function shown(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return singleQuoted(value)
    case 'bigint':
      return value >= -(2n ** 64n) && value <= 2n ** 64n ? `${value}n` : 'a huge bigint'
    case 'symbol':
      return 'a symbol'
    case 'function':
      return nameOf(value) === '' ? 'a function' : `the function ${nameOf(value)}`
    case 'object':
      return value === null ? 'null' : shownObject(value)
    default:
      return String(value)
  }
}

function singleQuoted(text: string): string {
  const inner = quoted(text).slice(1, -1).replaceAll('\\"', '"')
  return `'${inner}'`
}

function shownObject(value: object): string {
  if (Array.isArray(value)) return `an array of ${value.length}`
  const maker: unknown = Object.getPrototypeOf(value)?.constructor
  const name = typeof maker === 'function' ? nameOf(maker) : ''
  if (name === '' || name === 'Object') return 'an object'
  return `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`
}

/** The function's name if it is a plain identifier, since a function can carry anything as its `name`. */
function nameOf(value: object): string {
  const { name } = value as { readonly name: unknown }
  return typeof name === 'string' && /^[\w$]{1,60}$/.test(name) ? name : ''
}
