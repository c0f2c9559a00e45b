import { outputError } from '../base/files.js'
import { printable } from '../base/text.js'
import { columnTitles, type TableData } from '../report/tables.js'
import { EXIT, reportFailure } from './failure.js'
import { hasWorked } from './interrupt.js'
import { renderTable } from './table.js'

/** Prints lines. Control characters, which names in a file may have, are made visible. */
export function print(text: string): void {
  process.stdout.write(`${printable(text, '\n')}\n`)
}

export function printJson(value: unknown): void {
  // JSON does not escape these.
  const text = JSON.stringify(value, null, 2).replace(/[\x7f-\x9f]/g, (control) => {
    return `\\u00${control.charCodeAt(0).toString(16)}`
  })
  print(text)
}

let lost: NodeJS.ErrnoException | undefined

/**
 * Lets work continue when its output can no longer be written, because the disk is full or the reader is gone (`|
 * head`). A command that only prints ends then.
 */
export function surviveLostOutput(): void {
  process.stderr.on('error', () => {})
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (hasWorked()) {
      if (!lost)
        process.stderr.write(`torch-prune: the output cannot be written (${error.code}); work goes on\n`)
      lost = error
    } else if (error.code === 'EPIPE') process.exit(EXIT.done)
    else process.exit(reportFailure(outputError('the output', error)))
  })
}

/**
 * Waits until all that was printed is written: for work whose result is nowhere else.
 *
 * @throws TorchPruneError `ERR_OUTPUT` if it cannot be; a reader that is gone wants no more
 */
export async function printed(): Promise<void> {
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()))
  if (lost && lost.code !== 'EPIPE') throw outputError('the output', lost)
}

export function render(table: TableData): string {
  return renderTable(columnTitles(table), table.rows)
}
