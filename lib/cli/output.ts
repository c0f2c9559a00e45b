import type { TableData } from '../report/tables.js'
import { renderTable } from './table.js'

export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2))
}

export function render({ columns, rows }: TableData): string {
  return renderTable(columns, rows)
}
