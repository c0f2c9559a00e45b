import { readdir, readFile } from 'node:fs/promises'
import type { Help, Kind } from './kind.js'

/** The comment above an option in its table. */
interface Said {
  readonly kind: Kind<unknown> & { readonly fallback?: unknown }
  readonly text: string
  /** The text of its `@default` tag. */
  readonly byDefault: string | undefined
}

/**
 * Reads the help for options, which is the comment above them in their tables; editors show it as well. Compiled
 * modules keep comments, so they are read from the text of modules that export tables, in the given folders next to
 * this one.
 */
export async function readHelp(folders: readonly string[]): Promise<Help> {
  const root = new URL('../', import.meta.url)
  const said = new Map<string, Said[]>()
  for (const folder of folders) {
    for (const file of await readdir(new URL(folder, root), { recursive: true })) {
      if (!/^[^.]+\.[jt]s$/.test(file)) continue
      const url = new URL(`${folder}/${file}`, root)
      const tables = commentsIn(await readFile(url, 'utf8'))
      if (tables.size === 0) continue
      const module = (await import(url.href)) as Readonly<
        Record<string, Readonly<Record<string, Said['kind']>>>
      >
      for (const [name, comments] of tables) {
        for (const [option, comment] of comments) {
          const kind = module[name]?.[option]
          if (typeof kind?.read !== 'function') continue
          said.set(option, [...(said.get(option) ?? []), { kind, ...inParts(comment) }])
        }
      }
    }
  }
  return (table, option) => {
    const kind = (table as Readonly<Record<string, Said['kind']>>)[option]!
    const all = said.get(option) ?? []
    const own = all.find((one) => one.kind === kind)
    // If only the default was changed, the rest of the comment still applies.
    const { text, byDefault } = own ?? all.find((one) => one.kind.read === kind.read) ?? {}
    const told = own !== undefined && kind.fallback === undefined && byDefault !== undefined
    return [text, told ? `Default: ${byDefault}.` : ''].filter(Boolean).join(' ') || undefined
  }
}

/** Finds the comments above the options of each table that a module exports, by table and by option. */
function commentsIn(source: string): Map<string, Map<string, string>> {
  const found = new Map<string, Map<string, string>>()
  for (const [, name, body] of source.matchAll(/^export const (\w+) = \{\n(.*?)^\}/gms)) {
    const indent = /^ */.exec(body!)![0]
    const entry = new RegExp(`^${indent}/\\*\\*((?:(?!\\*/).)*)\\*/\\n${indent}(\\w+)\\b`, 'gms')
    const comments = [...body!.matchAll(entry)].map(([, comment, option]) => [option!, comment!] as const)
    if (comments.length > 0) found.set(name!, new Map(comments))
  }
  return found
}

function inParts(comment: string): { text: string; byDefault: string | undefined } {
  const lines = comment.split('\n').map((line) => line.replace(/^\s*\*? ?/, '').trim())
  const [text, byDefault] = lines
    .filter(Boolean)
    .join(' ')
    .split(/ ?@default /)
  return { text: text!.replace(/\{@link (\w+)\}/g, '$1').trim(), byDefault: byDefault?.trim() }
}
