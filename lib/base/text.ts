/** Puts a text on one line: each run of control characters becomes a blank. */
export function onOneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ')
}

/** Writes out the control characters of a text, as in `\x1b`, except for those in `keep`. */
export function printable(text: string, keep = ''): string {
  return text.replace(/\p{Cc}/gu, (control) => {
    if (keep.includes(control)) return control
    return `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}

/** Quotes a word so that a shell reads it back unchanged. */
export function quoteForShell(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word
  if (!/\p{Cc}/u.test(word)) return `'${word.replaceAll("'", "'\\''")}'`
  const escaped = word.replace(/[\\'\p{Cc}]/gu, (character) => {
    if (character === '\\' || character === "'") return `\\${character}`
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
  return `$'${escaped}'`
}
