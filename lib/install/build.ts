import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { availableParallelism, totalmem } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { messageOf, TorchPruneError } from '../base/errors.js'
import { fetchLibtorch } from './fetch.js'
import { PACKAGE, VERSION } from './home.js'
import { checkHeaders, findLibtorch, type Libtorch } from './libtorch.js'
import { readRecord, writeRecord } from './record.js'
import { checkToolchain } from './toolchain.js'

/** Options of `buildAddon`. */
export interface BuildOptions {
  /** Requires a CUDA build of libtorch (true) or a CPU build (false); if left out, uses whichever is found. */
  readonly cuda?: boolean | undefined
  /**
   * Builds with node-gyp into `build/gyp` instead of with cmake-js into `build/Release`.
   * @default false
   */
  readonly gyp?: boolean
  /**
   * Builds without optimization and with debug information, into `build/Debug`.
   * @default false
   */
  readonly debug?: boolean
  /**
   * Builds with AddressSanitizer and UndefinedBehaviorSanitizer, into `build/Asan`; `npm run test:asan` runs it.
   * @default false
   */
  readonly asan?: boolean
}

const FILES = ['torch_prune.node', 'loader.node'] as const

/**
 * Builds the addon for the libtorch that is found, or fetches one if there is none. Does nothing if the last build was
 * made from the same libtorch and sources.
 *
 * @returns the folder of the addon.
 * @throws TorchPruneError `ERR_LIBTORCH` when libtorch or a tool is missing, or the compiler fails.
 */
export async function buildAddon(options: BuildOptions = {}): Promise<string> {
  const { gyp = false, debug = false, asan = false } = options
  if (Number(gyp) + Number(debug) + Number(asan) > 1)
    throw new TorchPruneError(
      'ERR_ARGUMENT',
      '--gyp, --debug and --asan exclude each other: leave out all but one',
    )
  const wanted = { cuda: options.cuda, version: process.env.TORCH_PRUNE_LIBTORCH_VERSION || undefined }
  const libtorch = findLibtorch(wanted) ?? (await fetchLibtorch({ cuda: options.cuda }))
  const folder = join(PACKAGE, 'build', gyp ? 'gyp' : debug ? 'Debug' : asan ? 'Asan' : 'Release')
  const { version, dir, cuda, source } = libtorch
  const record = { libtorch: version, dir, source, cuda, torchPrune: VERSION, sources: digest(gyp) }

  const built = readRecord(folder)
  const same = built?.libtorch === version && built.cuda === cuda && built.sources === record.sources
  if (same && FILES.every((file) => existsSync(join(folder, file)))) {
    if (built.dir !== dir) writeRecord(folder, record)
    say(`The addon in ${relative('.', folder) || '.'} is up to date (libtorch ${version}, ${dir})`)
    return folder
  }
  checkHeaders(libtorch)
  checkToolchain(gyp)
  say(`Building the addon for libtorch ${version} (${dir}) ...`)
  // An addon without its record is never loaded, and a build that is interrupted leaves no record.
  rmSync(join(folder, 'torch_prune.json'), { force: true })
  if (gyp) await buildWithGyp(libtorch, folder)
  else await buildWithCMake(libtorch, folder)
  writeRecord(folder, record)
  return folder
}

/** The build configuration has the same name as its folder. */
async function buildWithCMake({ dir }: Libtorch, folder: string): Promise<void> {
  const cmakeJs = tool('cmake-js', 'bin/cmake-js')
  // cmake-js appends the configuration to a folder that does not end with it.
  const name = basename(folder)
  const out = name === 'Release' ? dirname(folder) : folder
  const config = ['--directory', PACKAGE, '--out', out, '--config', name]
  const common = ['--log-level', 'warn', ...config, `--CDTORCH_DIR=${dir}`]
  await run([cmakeJs, 'configure', ...common], PACKAGE)
  await run([cmakeJs, 'build', ...common, '--parallel', String(jobs())], PACKAGE)
}

/**
 * node-gyp always writes to `build` next to binding.gyp, where cmake-js has its output, so it gets a folder of its own.
 */
async function buildWithGyp({ dir }: Libtorch, folder: string): Promise<void> {
  const nodeGyp = tool('node-gyp', 'bin/node-gyp.js')
  mkdirSync(folder, { recursive: true })
  for (const name of ['binding.gyp', 'native', 'node_modules', 'package.json']) {
    rmSync(join(folder, name), { force: true })
    await symlink(join(PACKAGE, name), join(folder, name))
  }
  const args = ['configure', 'build', '--directory', folder, '--jobs', String(jobs()), '--loglevel', 'warn']
  await run([nodeGyp, ...args, ...nodeHeaders()], folder, { TORCH_DIR: dir })
  for (const file of FILES) copyFileSync(join(folder, 'build/Release', file), join(folder, file))
}

/** Node's headers next to its binary save node-gyp a download; the user's own setting takes precedence. */
function nodeHeaders(): string[] {
  if (process.env.npm_config_nodedir || process.env.npm_package_config_node_gyp_nodedir) return []
  const prefix = dirname(dirname(realpathSync(process.execPath)))
  return existsSync(join(prefix, 'include/node/common.gypi')) ? ['--nodedir', prefix] : []
}

/** A file that includes libtorch takes up to 2 GB to compile; more jobs than memory allows would swap. */
function jobs(): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(totalmem() / 2 ** 31)))
}

function tool(name: string, script: string): string {
  const require = createRequire(join(PACKAGE, 'package.json'))
  try {
    require.resolve('node-addon-api/package.json')
    return join(dirname(require.resolve(`${name}/package.json`)), script)
  } catch {
    throw new TorchPruneError(
      'ERR_LIBTORCH',
      `the addon cannot be built without ${name} and node-addon-api: npm install --save-dev ${name} node-addon-api`,
    )
  }
}

async function run(args: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<void> {
  const child = spawn(process.execPath, args, { cwd, env: { ...process.env, ...env }, stdio: 'inherit' })
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
  if (code === 0) return
  throw new TorchPruneError(
    'ERR_LIBTORCH',
    'the addon could not be built: the first error above says why; after a change of compiler, remove build/ and try again',
  )
}

/** A digest of the names and contents of all files that the addon is built from. */
function digest(gyp: boolean): string {
  const native = readdirSync(join(PACKAGE, 'native'), { recursive: true, withFileTypes: true })
  const paths = native.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const hash = createHash('sha256')
  for (const path of [...paths.sort(), join(PACKAGE, gyp ? 'binding.gyp' : 'CMakeLists.txt')]) {
    hash
      .update(`${relative(PACKAGE, path)}\0`)
      .update(readFileSync(path))
      .update('\0')
  }
  return hash.digest('hex')
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

async function main(): Promise<number> {
  try {
    const flag = { type: 'boolean', default: false } as const
    const { values } = parseArgs({ options: { cpu: flag, cuda: flag, gyp: flag, debug: flag, asan: flag } })
    if (values.cpu && values.cuda)
      throw new TorchPruneError('ERR_ARGUMENT', '--cpu and --cuda exclude each other')
    const cuda = values.cuda || values.cpu ? values.cuda : undefined
    await buildAddon({ cuda, gyp: values.gyp, debug: values.debug, asan: values.asan })
    return 0
  } catch (error) {
    const usage =
      error instanceof TypeError || (error instanceof TorchPruneError && error.code === 'ERR_ARGUMENT')
    say(`torch-prune: ${messageOf(error)}`)
    return usage ? 2 : 1
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = await main()
}
