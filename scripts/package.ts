// Makes the two tarballs that are published: the package itself, and the addon built on this machine as the optional
// package of this platform. Run this after `npm run build`:
//     npx tsx scripts/package.ts [FOLDER]
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PACKAGE, PLATFORM_PACKAGE, readRecord, writeRecord } from '../lib/internal.js'

/** The paths of the two tarballs. */
export interface Tarballs {
  readonly main: string
  readonly platform: string
}

interface Manifest {
  version: string
  scripts?: Record<string, string>
  devDependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  [field: string]: unknown
}

/** Packs both packages into `folder` and returns the paths of the tarballs. */
export function packAll(folder: string): Tarballs {
  const stage = mkdtempSync(join(tmpdir(), 'torch-prune-pack-'))
  mkdirSync(folder, { recursive: true })
  try {
    return {
      main: pack(stageMain(join(stage, 'main')), folder),
      platform: pack(stagePlatform(join(stage, 'platform')), folder),
    }
  } finally {
    rmSync(stage, { recursive: true, force: true })
  }
}

/**
 * Stages the files that package.json names, and a manifest that depends on the addon and runs nothing on installation.
 */
function stageMain(stage: string): string {
  const [listed] = npm(['pack', '--dry-run', '--json'], PACKAGE)
  for (const { path } of listed!.files) {
    mkdirSync(dirname(join(stage, path)), { recursive: true })
    cpSync(join(PACKAGE, path), join(stage, path))
  }
  const { scripts: _, devDependencies: __, ...manifest } = readManifest()
  // Only the published manifest has this: in a clone the addon is built, and the lock file has no package with this
  // name.
  writeManifest(stage, { ...manifest, optionalDependencies: { [PLATFORM_PACKAGE]: manifest.version } })
  return stage
}

function stagePlatform(stage: string): string {
  const built = join(PACKAGE, 'build/Release')
  const record = readRecord(built)
  if (record === null) throw new Error('there is no finished build in build/Release: run npm run build first')
  mkdirSync(stage, { recursive: true })
  for (const file of ['torch_prune.node', 'loader.node']) cpSync(join(built, file), join(stage, file))
  const { libtorch, cuda, torchPrune } = record
  writeRecord(stage, { libtorch, cuda, torchPrune })
  cpSync(join(PACKAGE, 'LICENSE'), join(stage, 'LICENSE'))

  const { version, license, engines } = readManifest()
  const system = { os: [process.platform], cpu: [process.arch], libc: ['glibc'] }
  const description = `The addon of torch-prune for ${process.platform}-${process.arch}, built for libtorch ${libtorch}`
  const files = ['torch_prune.node', 'loader.node', 'torch_prune.json']
  writeManifest(stage, { name: PLATFORM_PACKAGE, version, description, license, engines, ...system, files })
  return stage
}

function pack(stage: string, folder: string): string {
  const [packed] = npm(['pack', '--json', '--pack-destination', resolve(folder)], stage)
  return join(resolve(folder), packed!.filename)
}

function npm(args: readonly string[], cwd: string): { filename: string; files: { path: string }[] }[] {
  const stdio: ['ignore', 'pipe', 'inherit'] = ['ignore', 'pipe', 'inherit']
  const output = execFileSync('npm', [...args, '--ignore-scripts', '--loglevel', 'error'], { cwd, stdio })
  const packed = JSON.parse(output.toString())
  // npm 12 returns an object keyed by package name; earlier versions return a list.
  return Array.isArray(packed) ? packed : Object.values(packed)
}

function readManifest(): Manifest {
  return JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'))
}

function writeManifest(stage: string, manifest: Manifest): void {
  writeFileSync(join(stage, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { main, platform } = packAll(process.argv[2] ?? '.')
  console.log(`${main}\n${platform}`)
}
