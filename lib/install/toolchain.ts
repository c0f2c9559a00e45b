import { spawnSync } from 'node:child_process'
import { TorchPruneError } from '../base/errors.js'

interface Tool {
  readonly command: string
  readonly args: readonly string[]
  readonly oldest: readonly [major: number, minor: number]
  readonly packages: string
}

const CMAKE: Tool = { command: 'cmake', args: ['--version'], oldest: [3, 18], packages: 'cmake' }
const MAKE: Tool = { command: 'make', args: ['--version'], oldest: [3, 81], packages: 'make' }
const NINJA: Tool = { ...MAKE, command: 'ninja', oldest: [1, 5], packages: 'ninja-build' }
const PYTHON: Tool = { command: 'python3', args: ['--version'], oldest: [3, 8], packages: 'python3' }
const GXX: Tool = { command: 'g++', args: ['-dumpfullversion'], oldest: [11, 0], packages: 'g++' }

/**
 * Checks that the tools of the build are present and new enough.
 *
 * @throws TorchPruneError `ERR_LIBTORCH`, naming the first tool that the build lacks and how to get it.
 */
export function checkToolchain(gyp: boolean): void {
  // If the user sets CXX, that compiler is not checked; CMake and make report what it lacks.
  if (!process.env.CXX) check(GXX)
  if (gyp) {
    check(PYTHON)
    check(MAKE)
    return
  }
  check(CMAKE)
  if (version(NINJA) === null) check(MAKE)
}

function check(tool: Tool): void {
  const found = version(tool)
  const oldest = tool.oldest.join('.')
  const fix = `install it (Debian, Ubuntu: apt-get install ${tool.packages})`
  if (found === null) throw missing(`${tool.command} was not found: ${fix}`)
  const [major = 0, minor = 0] = found
  if (major > tool.oldest[0] || (major === tool.oldest[0] && minor >= tool.oldest[1])) return
  const other = tool === GXX ? ', or set CXX to another compiler' : ''
  throw missing(`${tool.command} is ${found.join('.')}, too old: install ${oldest} or newer${other}`)
}

function version({ command, args }: Tool): number[] | null {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8' })
  const found = status === 0 ? /\d+(\.\d+)*/.exec(stdout)?.[0] : undefined
  return found?.split('.').map(Number) ?? null
}

function missing(what: string): TorchPruneError {
  return new TorchPruneError('ERR_LIBTORCH', `the addon cannot be built: ${what}`)
}
