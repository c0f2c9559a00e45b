import type { TableData } from './tables.js'

/** Tables with more rows have less space between them. */
const LONG = 24

/** Markup, as opposed to text, which must be escaped. */
export class Markup {
  constructor(readonly text: string) {}
}

type Part = Markup | string | number | undefined | false | readonly Part[]

/**
 * Makes markup from a template. Strings and numbers in it are escaped; markup and arrays of markup are not, and
 * undefined and false are left out.
 */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(strings.map((text, i) => text + (i < parts.length ? render(parts[i]) : '')).join(''))
}

/** Escapes a text for HTML. */
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
 * Makes an HTML table of texts. The first column contains the headers of its rows. `│`, which separates groups of
 * columns in a terminal's table, becomes a line here.
 */
export function htmlTable({ columns, rows }: TableData, caption: string): Markup {
  const shown = columns.flatMap((column, index) => (column === '│' ? [] : [index]))
  const separated = (index: number) => (columns[index - 1] === '│' ? 'parted' : '')
  const head = shown.map((index) => html`<th scope="col" class="${separated(index)}">${columns[index]}</th>`)
  const cell = (row: readonly string[], index: number) =>
    index === 0
      ? html`<th scope="row">${row[index]}</th>`
      : html`<td class="${separated(index)}">${row[index]}</td>`
  const body = rows.map((row) => html`<tr>${shown.map((index) => cell(row, index))}</tr>\n`)
  return html`<div class="scroll${rows.length > LONG && ' long'}" role="region" tabindex="0" aria-label="${caption}"><table>
<caption>${caption}</caption>
<thead><tr>${head}</tr></thead>
<tbody>
${body}</tbody></table></div>`
}
