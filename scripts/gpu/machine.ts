import { spawnSync } from 'node:child_process'
import { availableParallelism, cpus, release } from 'node:os'

const VERSIONS = `
import importlib.metadata, sys
for name in ('torch', 'torchvision'):
    try: print(importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError: print('none')
print(sys.version.split()[0])
`

/** What the figures were measured on. What cannot be found out is `'unknown'`. */
export function describeMachine(python: string) {
  const said = (command: string, args: readonly string[], count: number) => {
    const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', timeout: 20_000 })
    const lines = status === 0 ? stdout.trim().split(/\n|, /) : []
    return Array.from({ length: count }, (_, i) => lines[i] ?? 'unknown')
  }
  const query = ['--query-gpu=name,driver_version', '--format=csv,noheader', '--id=0']
  const [gpu, driver] = said('nvidia-smi', query, 2)
  const [torch, torchvision, pythonVersion] = said(python, ['-c', VERSIONS], 3)
  const [compiler] = said('g++', ['-dumpfullversion'], 1)
  const cpu = cpus()[0]?.model.trim() ?? 'unknown'
  const node = process.versions.node
  return {
    ...{ gpu, driver, torch, torchvision, python: pythonVersion },
    ...{ cpu, cores: availableParallelism(), kernel: release(), compiler, node },
  }
}
