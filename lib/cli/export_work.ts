import { stat } from 'node:fs/promises'
import { TorchPruneError } from '../base/errors.js'
import type { ExportOptions } from '../nn/export_coded.js'
import type { MaskOptions } from '../nn/state.js'
import { removeDeadNeurons } from '../prune/surgery/shrink.js'
import { formatCount, formatRatio } from '../report/format.js'
import { ownFile } from '../runs/own_folder.js'
import { ENDINGS, type OpenOptions, openNetwork, refuseInput, refuseOtherEnding } from './network_file.js'
import { print, printJson } from './output.js'
import { shown } from './work.js'

export interface ImportCommandOptions extends OpenOptions {
  readonly out: string
  readonly json?: boolean
}

export interface ExportCommandOptions extends ImportCommandOptions, ExportOptions, MaskOptions {
  readonly format: 'coded' | 'onnx' | 'safetensors'
  readonly shrink?: boolean
}

/** Writes a file's network in the format that was asked for, and says how large it became. */
export async function exportFile(file: string, options: ExportCommandOptions): Promise<void> {
  const { format, profile, masks, shrink } = options
  if (format === 'safetensors') refuseOtherEnding(options.out)
  else if (!options.out.endsWith(ENDINGS[format])) {
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `--out ${options.out}: for ${format}, its name must end with ${ENDINGS[format]}`,
    )
  }
  if (masks !== undefined) onlyFor('--masks', 'safetensors', format)
  if (profile !== undefined) onlyFor('--profile', 'coded', format)
  await convert('export', file, options, async (network, out) => {
    if (shrink) await removeDeadNeurons(network)
    await (format === 'safetensors' ? network.save(out, { masks }) : network.export(out, { profile }))
  })
}

/** Refuses an option of one format where another is written. */
function onlyFor(option: string, format: string, given: string): void {
  if (given === format) return
  throw new TorchPruneError('ERR_ARGUMENT', `${option} is for --format ${format}, not ${given}: leave it out`)
}

/** Writes a file's network as safetensors. */
export async function importFile(file: string, options: ImportCommandOptions): Promise<void> {
  refuseOtherEnding(options.out)
  await convert('import', file, options, (network, out) => network.save(out))
}

async function convert(
  kind: 'export' | 'import',
  file: string,
  options: ImportCommandOptions,
  write: (network: Awaited<ReturnType<typeof openNetwork>>, out: string) => Promise<unknown>,
): Promise<void> {
  const { out } = options
  refuseInput(out, file)
  await using _ = await ownFile(out)
  using network = await openNetwork(file, options)
  // Those of the network that is read: what it is written without counts as saved.
  const parameters = network.parameterCount
  await write(network, out)
  const { size: bytes } = await stat(out)
  const ratio = (4 * parameters) / bytes
  if (options.json) return printJson({ kind, file: out, bytes, parameters, ratio })
  const smaller = ratio > 1 ? `, ${formatRatio(ratio)} smaller than dense float32` : ''
  print(`${formatCount(bytes)} bytes in ${shown(out)}${smaller}`)
}
