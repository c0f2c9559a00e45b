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
 * columns in a terminal's table, becomes a line here. The last `totals` rows are sums of the others.
 */
export function htmlTable({ columns, groups, rows }: TableData, caption: string, totals = 0): Markup {
  const shown = columns.flatMap((column, index) => (column === '│' ? [] : [index]))
  const separated = (index: number) => (columns[index - 1] === '│' ? 'parted' : '')
  const top = groups && html`<tr class="groups">${groupHeads(columns, groups)}</tr>\n`
  const head = shown.map((index) => html`<th scope="col" class="${separated(index)}">${columns[index]}</th>`)
  const cell = (row: readonly string[], index: number) =>
    index === 0
      ? html`<th scope="row">${row[index]}</th>`
      : html`<td class="${separated(index)}">${row[index]}</td>`
  const total = (index: number) => index >= rows.length - totals && html` class="total"`
  const body = rows.map(
    (row, index) => html`<tr${total(index)}>${shown.map((index) => cell(row, index))}</tr>\n`,
  )
  return html`<div class="scroll${rows.length > LONG && ' long'}" role="region" tabindex="0" aria-label="${caption}"><table>
<caption><span>${caption}</span></caption>
<thead>${top}<tr>${head}</tr></thead>
<tbody>
${body}</tbody></table></div>`
}

/** The heads of groups of columns, each over its columns. */
function groupHeads(columns: readonly string[], groups: readonly string[]): Markup[] {
  const ends = columns.flatMap((column, index) => (column === '│' ? [index] : []))
  return [...ends, columns.length].map((end, group) => {
    const width = end - (group === 0 ? 0 : ends[group - 1]! + 1)
    const title = groups[group] ?? ''
    const parted = group > 0 && 'parted'
    return title === ''
      ? html`<td class="${parted}" colspan="${width}"></td>`
      : html`<th scope="colgroup" class="${parted}" colspan="${width}">${title}</th>`
  })
}
