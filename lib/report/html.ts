import type { TableData } from './tables.js'

/** Tables of more rows are set closer. */
const LONG = 24

/** Markup, as opposed to text that must be escaped. */
export class Markup {
  constructor(readonly text: string) {}
}

type Part = Markup | string | number | undefined | false | readonly Part[]

/** Markup from a template: strings and numbers in it are escaped, markup, arrays of it and nothing are not. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(strings.map((text, i) => text + (i < parts.length ? render(parts[i]) : '')).join(''))
}

export function escapeHtml(text: string): string {
  return text
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
    .replace(/[^\P{Cc}\n\t]/gu, '\uFFFD')
}

function render(part: Part): string {
  if (part === undefined || part === false) return ''
  if (part instanceof Markup) return part.text
  return typeof part === 'object' ? part.map(render).join('') : escapeHtml(String(part))
}

/**
 * A table of text as HTML. The first column heads its rows. `│` in a terminal's table parts groups of columns:
 * here a line does.
 */
export function htmlTable({ columns, rows }: TableData, caption: string): Markup {
  const shown = columns.flatMap((column, index) => (column === '│' ? [] : [index]))
  const parted = (index: number) => (columns[index - 1] === '│' ? 'parted' : '')
  const head = shown.map((index) => html`<th scope="col" class="${parted(index)}">${columns[index]}</th>`)
  const cell = (row: readonly string[], index: number) =>
    index === 0
      ? html`<th scope="row">${row[index]}</th>`
      : html`<td class="${parted(index)}">${row[index]}</td>`
  const body = rows.map((row) => html`<tr>${shown.map((index) => cell(row, index))}</tr>\n`)
  return html`<div class="scroll${rows.length > LONG && ' long'}" role="region" tabindex="0" aria-label="${caption}"><table>
<caption>${caption}</caption>
<thead><tr>${head}</tr></thead>
<tbody>
${body}</tbody></table></div>`
}
