import { outputError } from '../base/files.js'
import { printable } from '../base/text.js'
import type { TableData } from '../report/tables.js'
import { EXIT, reportFailure } from './failure.js'
import { hasWorked } from './interrupt.js'
import { renderTable } from './table.js'

/** Prints lines. What a terminal would obey is written out, whatever names a file holds. */
export function print(text: string): void {
  process.stdout.write(`${printable(text, '\n')}\n`)
}

export function printJson(value: unknown): void {
  // JSON itself lets these through.
  const text = JSON.stringify(value, null, 2).replace(/[\x7f-\x9f]/g, (control) => {
    return `\\u00${control.charCodeAt(0).toString(16)}`
  })
  print(text)
}

let lost = false

/**
 * Lets work go on when what it prints cannot be written any more, on a full disk or without a reader (`| head`). A
 * command that only prints ends then.
 */
export function surviveLostOutput(): void {
  process.stderr.on('error', () => {})
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (hasWorked()) {
      if (!lost)
        process.stderr.write(`torch-prune: the output cannot be written (${error.code}); work goes on\n`)
      lost = true
    } else if (error.code === 'EPIPE') process.exit(EXIT.done)
    else process.exit(reportFailure(outputError('the output', error)))
  })
}

export function render({ columns, rows }: TableData): string {
  return renderTable(columns, rows)
}
