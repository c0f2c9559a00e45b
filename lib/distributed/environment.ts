import { TorchPruneError } from '../base/errors.js'
import type { ProcessGroupOptions } from '../binding/native.js'

/** The variables by which torchrun, and others as it does, tell a process its place among all. */
const NAMES = ['RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT'] as const

/** Where a process stands among those that train together. */
export interface GroupPlace extends Omit<ProcessGroupOptions, 'traits'> {
  /** Its place among those on its machine, from 0. */
  readonly localRank: number
}

type Variables = Readonly<Record<string, string | undefined>>

/**
 * Reads a process's place from the environment; undefined if it trains on its own.
 *
 * @throws TorchPruneError `ERR_ARGUMENT` if variables are missing, or are not what they must be
 */
export function placeFromEnvironment(variables: Variables = process.env): GroupPlace | undefined {
  const missing = NAMES.filter((name) => !variables[name])
  if (missing.includes('RANK') && missing.includes('WORLD_SIZE')) return undefined
  if (missing.length > 0) {
    const all = NAMES.join(', ')
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      `${missing.join(' and ')} must be set too: a launcher such as torchrun sets ${all}, and unset all of them to train in one process`,
    )
  }
  const worldSize = wholeNumber(variables, 'WORLD_SIZE', 1, 65_536)
  const rank = wholeNumber(variables, 'RANK', 0, worldSize - 1)
  const port = wholeNumber(variables, 'MASTER_PORT', 1, 65_535)
  const localRank = variables.LOCAL_RANK ? wholeNumber(variables, 'LOCAL_RANK', 0, worldSize - 1) : rank
  if (worldSize === 1) return undefined
  const connectTimeout = secondsOf(variables, 'TORCH_PRUNE_CONNECT_TIMEOUT')
  const timeout = secondsOf(variables, 'TORCH_PRUNE_GROUP_TIMEOUT')
  return {
    rank,
    localRank,
    worldSize,
    address: variables.MASTER_ADDR!,
    port,
    // Where torchrun's agent keeps the store, it does so for all attempts.
    listen: variables.TORCHELASTIC_USE_AGENT_STORE !== 'True',
    prefix: variables.TORCHELASTIC_RESTART_COUNT ?? '0',
    ...(connectTimeout !== undefined && { connectTimeout }),
    ...(timeout !== undefined && { timeout }),
  }
}

/** What the errors of a process begin with: its rank, if others say what they have to say besides. */
export function rankInErrors(variables: Variables = process.env): string {
  const { RANK: rank = '', WORLD_SIZE: size = '' } = variables
  return /^[1-9]\d*$/.test(rank) && /^\d+$/.test(size) ? `rank ${rank}: ` : ''
}

function wholeNumber(variables: Variables, name: string, least: number, most: number): number {
  const text = variables[name]!
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least && value <= most) return value
  throw new TorchPruneError(
    'ERR_ARGUMENT',
    `${name} must be a whole number in ${least}..${most}, got '${text}': check what sets it`,
  )
}

function secondsOf(variables: Variables, name: string): number | undefined {
  const text = variables[name]
  if (!text) return undefined
  const value = Number(text)
  if (value > 0 && value <= 1e6) return value
  throw new TorchPruneError('ERR_ARGUMENT', `${name} must be a number of seconds, got '${text}'`)
}
