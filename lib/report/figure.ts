import type { TableData } from './tables.js'

/** A chart with its text and numbers, as it appears in a page and in files. */
export interface Figure {
  /** The ID of the figure, unique in a report; it is also the name of its files. */
  readonly id: string
  /** The title, shown above the chart. */
  readonly title: string
  /** What the figure shows, and how it was counted. */
  readonly caption: string
  /** The chart as an SVG element. */
  readonly svg: string
  /** The numbers that are drawn. */
  readonly table: TableData
  /**
   * Whether it takes the whole width of a page.
   * @default half the width
   */
  readonly wide?: boolean
  /** Whether it is much taller than others. A page shows it after those, where it leaves no gap. */
  readonly tall?: boolean
  /** The name of a group of similar figures. A page shows them only on request, all together. */
  readonly group?: string
}
