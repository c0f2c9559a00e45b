import { largest } from '../../base/lists.js'

/** So many rows, or series, cannot each have the room that few would have. */
const MANY = 16

export function isCrowded(rows: number): boolean {
  return rows > MANY
}

/** The height of a row of a chart: `roomy` where there are few, a line of text where there are many. */
export function rowHeight(rows: number, roomy: number): number {
  return isCrowded(rows) ? 17 : roomy
}

/** Room for names at the left of a chart with a row each. */
export function labelMargin(names: readonly string[]): number {
  return 14 + 7.2 * largest(names.map((name) => shortened(name).length))
}

/** The end of a name tells layers apart: `…ature.0.conv1`. */
export function shortened(name: string): string {
  return name.length > 18 ? `…${name.slice(-17)}` : name
}
