// Builds the addon for a CUDA build of libtorch, in a folder of its own, and runs the tests of the CPU on it: what can be
// known of such a build on a machine without a GPU. Takes ten minutes and more on two cores.
//   npm run test:cuda-build                  with the CUDA build that is found, as `build:native -- --cuda` finds it
//   npm run test:cuda-build -- [FILE...]     runs only the tests in these files
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

const FILES = ['base', 'tensor', 'optim', 'nn', 'train', 'prune', 'data', 'models', 'native'].map(
  (name) => `test/${name}/**/*.test.ts`,
)
/** A copy of the tracked files, so that the main build stays as it is. */
const COPY = resolve('build/Cuda')

const tracked = execFileSync('git', ['ls-files', '-z'], { encoding: 'utf8' }).split('\0').filter(Boolean)
mkdirSync(COPY, { recursive: true })
rmSync(join(COPY, 'node_modules'), { force: true })
for (const file of tracked) {
  mkdirSync(join(COPY, dirname(file)), { recursive: true })
  cpSync(file, join(COPY, file), { preserveTimestamps: true })
}
symlinkSync(resolve('node_modules'), join(COPY, 'node_modules'))

function run(...args: string[]): void {
  const { status } = spawnSync(process.execPath, args, { cwd: COPY, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

const asked = process.argv.slice(2)
run('--import', 'tsx/esm', 'lib/install/build.ts', '--cuda')
run(
  'node_modules/mocha/bin/mocha.js',
  ...['--no-config', '--import=tsx/esm', '--require=./test/support/awake.ts', '--timeout=120000', '--exit'],
  ...(asked.length > 0 ? asked : FILES),
)
