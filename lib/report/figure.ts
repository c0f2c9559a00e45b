import type { TableData } from './tables.js'

/** A chart with its words and numbers, as a page shows it and files hold it. */
export interface Figure {
  /** Unique in a report; the name of its files. */
  readonly id: string
  readonly title: string
  /** What there is to see, and how it was counted. */
  readonly caption: string
  readonly svg: string
  /** The numbers that are drawn. */
  readonly table: TableData
  /** Over the whole width of a page; half unless given. */
  readonly wide?: boolean
  /** Much higher than others: a page shows it behind those, where it leaves no gap. */
  readonly tall?: boolean
  /** One of many of its sort: a page shows it when asked, with the others of this name. */
  readonly group?: string
}
