/** A text on one line: a blank for what a terminal would obey. */
export function onOneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ')
}

/** A text with control characters written out, as `\x1b`, but for those in `keep`. */
export function printable(text: string, keep = ''): string {
  return text.replace(/\p{Cc}/gu, (control) => {
    if (keep.includes(control)) return control
    return `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}

/** A word as a shell reads it back. */
export function quoteForShell(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word
  if (!/\p{Cc}/u.test(word)) return `'${word.replaceAll("'", "'\\''")}'`
  const escaped = word.replace(/[\\'\p{Cc}]/gu, (character) => {
    if (character === '\\' || character === "'") return `\\${character}`
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
  return `$'${escaped}'`
}
