import { largest } from '../base/lists.js'
export interface Column {
  title: string
  /** Defaults to right for a column of numbers (`12.1×`, `267K`, `8%`, …), and to left for any other. */
  align?: 'left' | 'right'
}

const GAP = '  '
const NUMBER = /^[+\-−]?\d[\d.,]*\s?[%×a-zA-Z]*$/
const BLANK = /^[-–—]?$/

/**
 * Formats a table as plain text, with padded columns, a rule under the titles, and no space at the ends of lines.
 * Control characters, which names in a foreign file may have, are shown as `�`.
 */
export function renderTable(
  columns: readonly (string | Column)[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const laidOut = columns.map((column, index) => {
    const { title, align } = typeof column === 'string' ? { title: column, align: undefined } : column
    const cells = rows.map((row) => printable(String(row[index] ?? '')))
    const width = largest([title, ...cells].map(widthOf))
    return { title: printable(title), cells, width, right: (align ?? alignment(cells)) === 'right' }
  })
  const line = (cellOf: (column: (typeof laidOut)[number]) => string): string =>
    laidOut
      .map((column) => pad(cellOf(column), column.width, column.right))
      .join(GAP)
      .trimEnd()
  return [
    line(({ title }) => title),
    line(({ width }) => '─'.repeat(width)),
    ...rows.map((_, index) => line(({ cells }) => cells[index]!)),
  ].join('\n')
}

function alignment(cells: readonly string[]): 'left' | 'right' {
  const filled = cells.filter((cell) => !BLANK.test(cell))
  return filled.length > 0 && filled.every((cell) => NUMBER.test(cell)) ? 'right' : 'left'
}

function pad(text: string, width: number, right: boolean): string {
  const blanks = ' '.repeat(Math.max(0, width - widthOf(text)))
  return right ? blanks + text : text + blanks
}

/** The length in characters, not in UTF-16 units. */
function widthOf(text: string): number {
  return [...text].length
}

function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '�')
}
