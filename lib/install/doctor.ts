import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { TorchPruneError } from '../base/errors.js'
import { type AddonFiles, findAddon, libtorchFor } from './addon_files.js'
import { nvidiaDriver } from './driver.js'
import { buildCommand, ownCommand, VERSION } from './home.js'
import { findLibtorch, type Libtorch } from './libtorch.js'

/** What this machine has and what it lacks. */
export interface Diagnosis {
  /** Whether everything that the CPU needs is present and works. */
  readonly ok: boolean
  /** The version of this package. */
  readonly torchPrune: string
  /** The version of Node. */
  readonly node: string
  /** The platform, such as `linux-x64`. */
  readonly platform: string
  /** The libtorch that would be used; null if there is none. */
  readonly libtorch: Libtorch | null
  /** Whether CUDA can be used. */
  readonly cuda: {
    readonly available: boolean
    readonly devices: number
    /** The version of the NVIDIA driver, or null if there is none. */
    readonly driver: string | null
    /** Why CUDA is not available; null if it is. */
    readonly reason: string | null
    /** Whether training steps are captured as CUDA graphs, for which the addon is built with the CUDA runtime's headers. */
    readonly graphs: boolean
    /** Whether processes with a GPU each sum gradients there, for which the addon is built with NCCL's headers. */
    readonly nccl: boolean
  }
  /** The addon that would be used; null if there is none. */
  readonly addon: {
    readonly folder: string
    readonly source: AddonFiles['source']
    /** The libtorch version that it was built for. */
    readonly builtFor: string
    /** Whether it loaded and answered in a process of its own. */
    readonly loads: boolean
  } | null
  /**
   * What decodes JPEG: libjpeg-turbo, which decodes parts at reduced scale, or sharp, which decodes whole images; null
   * if the addon does not load.
   */
  readonly jpeg: 'libjpeg-turbo' | 'sharp' | null
  /** What is missing or does not fit: one line per problem, which ends with how to fix it. */
  readonly problems: readonly string[]
}

/** The result of loading the addon in a process of its own. */
export type Probe =
  | {
      readonly ok: true
      readonly libtorch: string
      readonly cudaDevices: number
      readonly cudaGraphs: boolean
      readonly cudaNccl: boolean
      readonly jpeg: boolean
    }
  | { readonly ok: false; readonly message: string }

/** Inspects Node, libtorch, the addon and CUDA. Never throws, and survives an addon that crashes. */
export async function diagnose(): Promise<Diagnosis> {
  const problems: string[] = []
  const attempt = <T>(look: () => T): T | null => {
    try {
      return look()
    } catch (error) {
      note(error instanceof TorchPruneError ? error.message : String(error))
      return null
    }
  }
  const note = (problem: string) => {
    if (!problems.includes(problem)) problems.push(problem)
  }

  const files = attempt(findAddon)
  const libtorch = attempt(() => (files ? libtorchFor(files.folder, files.record) : findLibtorch()))
  if (libtorch === null && !problems.some((problem) => problem.includes('libtorch '))) {
    note(
      `no libtorch was found: ${ownCommand()} fetch-libtorch fetches one, or set LIBTORCH to a libtorch folder`,
    )
  }
  const probe = files && libtorch ? await probeAddon(files) : null
  if (probe?.ok === false) note(probe.message)

  const driver = nvidiaDriver()
  const devices = probe?.ok ? probe.cudaDevices : 0
  return {
    ok: problems.length === 0,
    torchPrune: VERSION,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    libtorch,
    cuda: {
      available: devices > 0,
      devices,
      driver,
      reason: devices > 0 ? null : whyNoCuda(libtorch, driver, probe),
      graphs: probe?.ok === true && probe.cudaGraphs,
      nccl: probe?.ok === true && probe.cudaNccl,
    },
    addon: files && {
      folder: files.folder,
      source: files.source,
      builtFor: files.record.libtorch,
      loads: probe?.ok ?? false,
    },
    jpeg: probe?.ok ? (probe.jpeg ? 'libjpeg-turbo' : 'sharp') : null,
    problems,
  }
}

/** Formats the diagnosis for people: one line per item, then the problems. */
export function formatDiagnosis(diagnosis: Diagnosis): string {
  const { torchPrune, node, platform, libtorch, cuda, addon, jpeg, problems } = diagnosis
  const found = libtorch && `${libtorch.version}, from ${WHERE[libtorch.source]}: ${libtorch.dir}`
  const gpu = cuda.available
    ? `${cuda.devices} ${cuda.devices === 1 ? 'device' : 'devices'}, driver ${cuda.driver ?? 'unknown'}`
    : `not available: ${cuda.reason}`
  const built =
    addon && `built for libtorch ${addon.builtFor}, ${addon.loads ? 'loads' : 'not loaded'}: ${addon.folder}`
  const lines = [
    `torch-prune  ${torchPrune}`,
    `Node         ${node}, ${platform}`,
    `libtorch     ${found ?? 'not usable'}`,
    `addon        ${built ?? 'not found'}`,
    `CUDA         ${gpu}`,
    ...(cuda.available ? [`CUDA graphs  ${cuda.graphs ? 'steps are captured' : NO_GRAPHS}`] : []),
    ...(cuda.available && cuda.devices > 1
      ? [`NCCL         ${cuda.nccl ? 'gradients are summed on the GPUs' : NO_NCCL}`]
      : []),
    `JPEG         ${jpeg === null ? 'not known' : JPEG[jpeg]}`,
    '',
  ]
  if (!problems.length) return [...lines, 'Everything is in place.'].join('\n')
  return [...lines, ...problems.map((problem) => `Problem: ${problem}`)].join('\n')
}

const WHERE = { LIBTORCH: 'LIBTORCH', python: 'the Python on the PATH', cache: 'the cache' } as const

const NO_GRAPHS =
  "not built in, small networks train slower: install the CUDA toolkit's headers (pip: nvidia-cuda-runtime, nvidia-cuda-crt), then build again"

const NO_NCCL =
  "not built in, several processes sum gradients on the CPU: install the CUDA toolkit's headers and NCCL's (pip: nvidia-nccl-cu13, nvidia-cuda-cccl), then build again"

const JPEG = {
  'libjpeg-turbo': 'libjpeg-turbo',
  sharp:
    'sharp, which is slower: install libjpeg-turbo with its headers (Debian: libjpeg62-turbo-dev), then build again',
} as const

function whyNoCuda(libtorch: Libtorch | null, driver: string | null, probe: Probe | null): string {
  if (libtorch === null) return 'no libtorch'
  if (!libtorch.cuda) {
    const build = `libtorch ${libtorch.version} is a CPU build`
    return driver === null
      ? build
      : `${build}; for the GPU here: ${ownCommand()} fetch-libtorch --cuda, then ${buildCommand()} --cuda`
  }
  if (driver === null) return 'no NVIDIA driver was found'
  if (!probe?.ok) return 'the addon does not load'
  return `driver ${driver} shows no device to libtorch ${libtorch.version}: it may be too old for that CUDA version, or CUDA_VISIBLE_DEVICES hides the devices`
}

function probeAddon({ folder }: AddonFiles): Promise<Probe> {
  const self = fileURLToPath(import.meta.url)
  const script = self.replace(/install\/doctor\.(ts|js)$/, 'binding/probe.$1')
  const loader = script.endsWith('.ts') ? ['--import', 'tsx'] : []
  const child = fork(script, {
    execArgv: loader,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    timeout: 60_000,
  })
  let stderr = ''
  child.stderr?.on('data', (data) => {
    stderr += data
  })
  return new Promise((resolve) => {
    child.on('message', (message) => {
      resolve(message as Probe)
      child.kill()
    })
    child.on('error', (error) =>
      resolve({ ok: false, message: `the addon cannot be tried: ${error.message}` }),
    )
    child.on('close', (code, signal) => {
      // If a message has arrived, the promise is already resolved and this has no effect.
      const how = signal ? `ended with ${signal}` : `exited with ${code}`
      const last = stderr.trim().split('\n').at(-1)
      const message = `the addon in ${folder} ${how} when it was loaded${last ? ` (${last})` : ''}`
      resolve({
        ok: false,
        message: `${message}: build it again (${buildCommand()}), or set LIBTORCH to another libtorch`,
      })
    })
  })
}
