import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const VARIABLES = [
  'LIBTORCH',
  'PATH',
  'TORCH_PRUNE_ADDON',
  'TORCH_PRUNE_ANY_LIBTORCH',
  'TORCH_PRUNE_CACHE',
  'TORCH_PRUNE_LIBTORCH_VERSION',
] as const

/** A folder and an environment that hold nothing of this machine: no libtorch, no Python, an empty cache. */
export class Sandbox {
  readonly folder = mkdtempSync(join(tmpdir(), 'torch-prune-test-'))
  readonly #saved = new Map(VARIABLES.map((name) => [name, process.env[name]]))

  constructor() {
    for (const name of VARIABLES) delete process.env[name]
    process.env.PATH = join(this.folder, 'bin')
    process.env.TORCH_PRUNE_CACHE = this.path('cache')
  }

  path(...names: string[]): string {
    return join(this.folder, ...names)
  }

  write(name: string, text = ''): string {
    const path = this.path(name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    return path
  }

  /** A folder that looks like libtorch and says its version as a Python package does. */
  libtorch(name: string, version: string, { cuda = false } = {}): string {
    this.write(`${name}/lib/libtorch_cpu.so`)
    if (cuda) this.write(`${name}/lib/libtorch_cuda.so`)
    this.write(`${name}/include/ATen/ATen.h`)
    this.write(
      `${name}/version.py`,
      `from typing import Optional\n\n__version__ = '${version}'\ndebug = False\n`,
    )
    return this.path(name)
  }

  /** A command on the PATH, written for the shell. */
  command(name: string, script: string): void {
    chmodSync(this.write(`bin/${name}`, `#!/bin/sh\n${script}\n`), 0o755)
  }

  /** A Python on the PATH whose torch is in `dir`; without one, a Python without torch. */
  python(dir = ''): void {
    this.command('python3', `echo '${dir}'`)
  }

  restore(): void {
    for (const [name, value] of this.#saved) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
    rmSync(this.folder, { recursive: true, force: true })
  }
}
