import { spawnSync } from 'node:child_process'
import { availableParallelism, cpus, release } from 'node:os'

/** What the figures were measured on. What cannot be found out is `'unknown'`. */
export function describeMachine(python: string) {
  const said = (command: string, args: readonly string[]) => {
    const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', timeout: 60_000 })
    return status === 0 ? stdout.trim() : 'unknown'
  }
  const query = (field: string) =>
    said('nvidia-smi', [`--query-gpu=${field}`, '--format=csv,noheader']).split('\n')[0]!
  return {
    gpu: query('name'),
    driver: query('driver_version'),
    torch: said(python, ['-c', 'import torch; print(torch.__version__)']),
    torchvision: said(python, ['-c', 'import torchvision; print(torchvision.__version__)']),
    python: said(python, ['-c', 'import sys; print(sys.version.split()[0])']),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    kernel: release(),
    compiler: said('g++', ['-dumpfullversion']),
    node: process.versions.node,
  }
}
