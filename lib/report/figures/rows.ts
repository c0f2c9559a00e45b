import { largest } from '../../base/lists.js'

/** With more rows or series than this, each gets less space. */
const MANY = 16

/** Whether there are too many rows to give each its full height. */
export function isCrowded(rows: number): boolean {
  return rows > MANY
}

/** The height of a row of a chart: `roomy` if there are few, otherwise that of a line of text. */
export function rowHeight(rows: number, roomy: number): number {
  return isCrowded(rows) ? 17 : roomy
}

/** The space for names to the left of a chart with one row per name. */
export function labelMargin(names: readonly string[]): number {
  // On a phone, letters are larger than they are drawn.
  return 14 + 8.4 * largest(names.map((name) => shortened(name).length))
}

/** Shortens a name to its end, which is what distinguishes layers: `…ature.0.conv1`. */
export function shortened(name: string): string {
  return name.length > 18 ? `…${name.slice(-17)}` : name
}
