import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** The version of the NVIDIA driver in use, such as `570.86.15`, or null if there is none. */
export function nvidiaDriver(): string | null {
  try {
    const text = readFileSync('/proc/driver/nvidia/version', 'utf8')
    return /\b\d+\.\d+(\.\d+)*\b/.exec(text)?.[0] ?? 'of unknown version'
  } catch {
    // Containers and WSL have a driver without this file, but nvidia-smi can query it.
    const query = ['--query-gpu=driver_version', '--format=csv,noheader']
    const { status, stdout } = spawnSync('nvidia-smi', query, { encoding: 'utf8' })
    return status === 0 ? (stdout.trim().split('\n')[0] ?? null) || null : null
  }
}
