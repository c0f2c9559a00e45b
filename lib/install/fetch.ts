import { rmSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { sha256 } from '../base/digest.js'
import { TorchPruneError } from '../base/errors.js'
import { cachedFolders, cacheFolder, keep, withPartial } from './cache.js'
import { nvidiaDriver } from './driver.js'
import { fits, type Libtorch, readLibtorch } from './libtorch.js'
import { pipDownload } from './pip.js'
import { pythonWithPip } from './python.js'
import { requirements, unpackWheel } from './wheel.js'

/** Options of `fetchLibtorch`. */
export interface FetchOptions {
  /**
   * Chooses the CUDA build (true) or the CPU build (false).
   * @default whether there is an NVIDIA driver
   */
  readonly cuda?: boolean | undefined
  /**
   * The version of libtorch to fetch.
   * @default `TORCH_PRUNE_LIBTORCH_VERSION`, else the version that this package is tested with
   */
  readonly version?: string | undefined
  /**
   * Also accepts a wheel whose digest this package does not know, which pip has only checked against its index.
   * @default false
   */
  readonly anyDigest?: boolean | undefined
  /**
   * Receives one line per step.
   * @default writes to standard error
   */
  readonly log?: (line: string) => void
}

/**
 * The SHA-256 of the `torch` wheels that this package is tested with. Without them, an index could serve another file
 * under the same name, with a digest of its own; and libtorch runs inside this process.
 */
const DIGESTS: Readonly<Record<string, string>> = {
  'torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl':
    '6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b',
  'torch-2.14.1-cp311-cp311-manylinux_2_28_x86_64.whl':
    '305a61f61f35f128579f299c5bd33d475f6a01c6307336139632e30856c4854d',
}

const DEFAULT_VERSION = '2.13.0'
const PYTORCH_INDEX = 'https://download.pytorch.org/whl'
const FIX = 'set LIBTORCH to a libtorch folder, or configure pip (index-url, proxy) and try again'

/**
 * Fetches libtorch into the cache: pip downloads the `torch` wheel, which is unpacked and checked; nothing is imported
 * or run. The complete folder appears in the cache in one step; one that is already there is returned as it is.
 *
 * @throws TorchPruneError `ERR_LIBTORCH` when pip finds none, `ERR_FILE` when a wheel is damaged, `ERR_OUTPUT` when the
 * cache cannot be written.
 */
export async function fetchLibtorch(options: FetchOptions = {}): Promise<Libtorch> {
  const version = options.version ?? (process.env.TORCH_PRUNE_LIBTORCH_VERSION || DEFAULT_VERSION)
  const log = options.log ?? ((line) => process.stderr.write(`${line}\n`))
  const wanted = { version, cuda: options.cuda }
  const cached = () =>
    cachedFolders()
      .map((dir) => readLibtorch(dir, 'cache'))
      .find((found) => found !== null && fits(found, wanted))
  const before = cached()
  if (before) return before

  const python = pythonWithPip()
  if (python === null) {
    throw new TorchPruneError(
      'ERR_LIBTORCH',
      'libtorch cannot be fetched without Python and pip: install python3-pip, or set LIBTORCH to a libtorch folder',
    )
  }
  return withPartial(async (partial) => {
    // Another process may have fetched it while this one waited.
    const meanwhile = cached()
    if (meanwhile) return meanwhile

    log(`Fetching libtorch ${version} into ${cacheFolder()} ...`)
    const wheel = await downloadTorch(python, partial, version, options.cuda, log)
    if (!options.anyDigest) await checkDigest(wheel)
    const tree = join(partial, 'tree')
    await unpack(python, wheel, tree, log)
    const found = readLibtorch(join(tree, 'torch'), 'cache')
    if (found === null) {
      throw new TorchPruneError('ERR_LIBTORCH', `${basename(wheel)} holds no libtorch: ${FIX}`)
    }
    if (!fits(found, wanted)) {
      const build = options.cuda === undefined ? '' : options.cuda ? ' (CUDA)' : ' (CPU)'
      throw new TorchPruneError(
        'ERR_LIBTORCH',
        `libtorch ${version}${build} was requested but pip delivered ${found.version}: ` +
          'configure pip with an index that has it, or set LIBTORCH to a libtorch folder',
      )
    }
    if (found.cuda) await addCuda(python, partial, requirements(tree, wheel), tree, log)
    return { ...found, dir: await keep(tree, found.version) }
  }, log)
}

async function checkDigest(wheel: string): Promise<void> {
  const name = basename(wheel)
  const digest = Buffer.from(await sha256(wheel), 'base64url').toString('hex')
  if (DIGESTS[name] === digest) return
  const known = DIGESTS[name] !== undefined
  throw new TorchPruneError(
    'ERR_LIBTORCH',
    known
      ? `${name} is not the file that this package was tested with (SHA-256 ${digest}): check pip's index, or accept it anyway with fetch-libtorch --any-digest`
      : `${name} is not one of the wheels that this package was tested with: accept it anyway with fetch-libtorch --any-digest, or set LIBTORCH to a libtorch folder`,
  )
}

async function downloadTorch(
  python: string,
  partial: string,
  version: string,
  cuda: boolean | undefined,
  log: (line: string) => void,
): Promise<string> {
  const folder = join(partial, 'torch')
  const reasons: string[] = []
  for (const { requirement, args } of attempts(version, cuda).map(forAnyPython)) {
    const result = await pipDownload(python, folder, ['--no-deps', ...args, requirement])
    if ('wheels' in result && result.wheels[0] !== undefined) return result.wheels[0]
    const { reason, offline } = 'reason' in result ? result : { reason: 'no wheel came', offline: false }
    reasons.push(reason)
    if (offline && !args.includes('--extra-index-url')) break
    log(`pip found no ${[requirement, ...args].join(' ')}`)
  }
  throw new TorchPruneError('ERR_LIBTORCH', `libtorch ${version} cannot be fetched (${reasons[0]}): ${FIX}`)
}

interface Attempt {
  readonly requirement: string
  readonly args: readonly string[]
}

/**
 * Lists what to ask pip for, in order. The plain version is the CUDA build on one index and the CPU build on another,
 * so the build is named explicitly if one is wanted.
 */
export function attempts(version: string, cuda: boolean | undefined): Attempt[] {
  const [release, build] = version.split('+')
  const cpu = withIndex(`torch==${release}+cpu`, 'cpu')
  const gpu = [{ requirement: `torch==${release},!=${release}+cpu`, args: [] }]
  if (build === 'cpu' || (build === undefined && cuda === false)) return cpu
  if (build !== undefined) return [...withIndex(`torch==${version}`, build), ...gpu]
  if (cuda === true) return gpu

  const plain = { requirement: `torch==${release}`, args: [] }
  return [...(nvidiaDriver() === null ? cpu : gpu), plain]
}

/**
 * First tries pip's own indexes, then also PyTorch's index for this build, with short timeouts because it may be
 * unreachable.
 */
function withIndex(requirement: string, build: string): Attempt[] {
  const args = ['--extra-index-url', `${PYTORCH_INDEX}/${build}`, '--retries', '1', '--timeout', '15']
  return [
    { requirement, args: [] },
    { requirement, args },
  ]
}

/**
 * The Python part of the wheel is not used, so the wheel for the Python version of the known digests works everywhere.
 */
function forAnyPython({ requirement, args }: Attempt): Attempt {
  const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64'
  return {
    requirement,
    args: [...args, '--python-version', '3.11', '--platform', `manylinux_2_28_${machine}`],
  }
}

/** A CUDA build's libraries look for NVIDIA's in `../../nvidia`, where pip would have put them. */
async function addCuda(
  python: string,
  partial: string,
  required: readonly string[],
  tree: string,
  log: (line: string) => void,
): Promise<void> {
  // pip itself evaluates their markers and resolves what cuda-toolkit's extras name.
  // `crt` are the headers that those of the runtime include: without them steps are not captured as CUDA graphs. NCCL's
  // include `cccl`.
  const named = required
    .filter((requirement) => /^(nvidia-|cuda-toolkit\b)/.test(requirement))
    .map((requirement) => requirement.replace(/^cuda-toolkit\[/, 'cuda-toolkit[cccl,crt,'))
  if (!named.length) return
  const folder = join(partial, 'nvidia')
  await mkdir(folder, { recursive: true })
  const result = await pipDownload(python, folder, named)
  if ('reason' in result) {
    throw new TorchPruneError(
      'ERR_LIBTORCH',
      `CUDA's libraries cannot be fetched (${result.reason}): ${FIX}, or choose the CPU build with --cpu`,
    )
  }
  for (const wheel of result.wheels) await unpack(python, wheel, tree, log)
}

/** Unpacks the wheel and then removes it, because keeping both would need twice the space. */
async function unpack(
  python: string,
  wheel: string,
  tree: string,
  log: (line: string) => void,
): Promise<void> {
  log(`Unpacking ${basename(wheel)}`)
  await unpackWheel(python, wheel, tree)
  rmSync(wheel)
}
