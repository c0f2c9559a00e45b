import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256 } from '../base/digest.js'
import { TorchPruneError } from '../base/errors.js'

/**
 * The members of a `torch` or `nvidia-*` wheel that a C++ program needs, as a pattern for both Python's `re` and
 * JavaScript. A third of torch's wheel is Python and tests; the licenses stay with the files that they cover.
 */
const NEEDED = [
  'torch/(include|share)/',
  'torch/version\\.py$',
  'torch/lib/(?!libshm|.*(python|_test|backend_with_compiler|aoti_custom_ops))',
  'nvidia/.*(\\.so[.0-9]*|/LICENSE[^/]*)$',
  '[^/]+\\.dist-info/',
]
  .map((pattern) => `^${pattern}`)
  .join('|')

// zipfile checks each member's CRC and keeps names inside the folder.
const UNPACK = `
import re, sys, zipfile
wheel, folder, needed = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    archive.extractall(folder, [name for name in archive.namelist() if re.search(needed, name)])
`

/** Unpacks the part of `wheel` that a C++ program needs into `folder`, and checks it against the wheel's own RECORD. */
export async function unpackWheel(python: string, wheel: string, folder: string): Promise<void> {
  const child = spawn(python, ['-c', UNPACK, wheel, folder, NEEDED], { stdio: ['ignore', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr.on('data', (data) => {
    stderr += data
  })
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
  if (code !== 0) {
    const reason = stderr.trim().split('\n').at(-1)
    throw new TorchPruneError('ERR_FILE', `${wheel} cannot be unpacked (${reason}): fetch again`)
  }
  await checkRecord(folder, distInfo(wheel))
}

/**
 * The requirements of the unpacked `wheel`, as pip writes them: `nvidia-nccl-cu13==2.30.7; platform_system == "Linux"`.
 */
export function requirements(folder: string, wheel: string): string[] {
  const metadata = readFileSync(join(folder, distInfo(wheel), 'METADATA'), 'utf8')
  return [...metadata.matchAll(/^Requires-Dist: (.+)$/gm)].map((match) => match[1]!.trim())
}

/**
 * Compares the size and SHA-256 of every unpacked file with the RECORD, whose lines are `name,sha256=<base64url>,size`.
 */
async function checkRecord(folder: string, info: string): Promise<void> {
  const needed = new RegExp(NEEDED)
  const record = readFileSync(join(folder, info, 'RECORD'), 'utf8')
  for (const [, name, digest, size] of record.matchAll(/^"?(.+?)"?,sha256=([\w-]+),(\d+)\r?$/gm)) {
    if (!needed.test(name!)) continue
    const path = join(folder, name!)
    const actual = await stat(path).catch(() => null)
    if (actual?.size !== Number(size) || (await sha256(path)) !== digest) {
      throw new TorchPruneError('ERR_FILE', `${name} differs from its wheel's RECORD: fetch again`)
    }
  }
}

/** `torch-2.13.0+cpu-cp311-….whl` has its metadata in `torch-2.13.0+cpu.dist-info`. */
function distInfo(wheel: string): string {
  const [name, version] = wheel.split('/').at(-1)!.split('-')
  return `${name}-${version}.dist-info`
}
