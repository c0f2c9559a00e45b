// Builds an addon under AddressSanitizer and UndefinedBehaviorSanitizer, and runs the fuzzers and the tests on it.
// Fails if one of the sanitizers reports anything. Takes an hour on two cores.
//   npm run test:asan                  runs the fuzzers, then the tests, one folder after the other
//   npm run test:asan -- [FILE...]     runs only the tests in these files
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildAddon } from '../lib/internal.js'

const folder = await buildAddon({ asan: true })
const reports = mkdtempSync(join(tmpdir(), 'torch-prune-asan-'))
// The leaks are Node's own. Containers that cross into libtorch, which is built without sanitizers, look overflowed.
// Node's memory may be freed by a different function than the one that allocated it. The stack that use after return is
// found on is not aligned for AVX-512 (GCC's bug 110027): kernels crash on it.
const ASAN = {
  detect_leaks: 0,
  detect_container_overflow: 0,
  detect_stack_use_after_return: 0,
  alloc_dealloc_mismatch: 0,
  protect_shadow_gap: 0,
  allocator_may_return_null: 1,
  abort_on_error: 1,
  max_allocation_size_mb: 12_000,
  log_path: join(reports, 'address'),
}
const UBSAN = { print_stacktrace: 1, log_path: join(reports, 'undefined') }
const options = (values: Record<string, unknown>) =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .join(':')
const env = {
  ...process.env,
  TORCH_PRUNE_ADDON: folder,
  ASAN_OPTIONS: options(ASAN),
  UBSAN_OPTIONS: options(UBSAN),
  LD_PRELOAD: execFileSync('gcc', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim(),
}

const MOCHA = [
  'node_modules/mocha/bin/mocha.js',
  '--no-config',
  '--import=tsx/esm',
  '--require=./test/support/awake.ts',
  '--require=./test/support/patient.ts',
  '--exit',
]
const mocha = (...files: string[]) => [...MOCHA, ...files]
const fuzz = (script: string, runs: number) => ['--import', 'tsx/esm', script, String(runs)]

/** The commands to run. Each has its own process, because AddressSanitizer ends it at the first report. */
function parts(files: readonly string[]): string[][] {
  if (files.length > 0) return [mocha(...files)]
  const folders = readdirSync('test').filter((name) =>
    readdirSync(join('test', name)).some((file) => file.endsWith('.test.ts')),
  )
  return [
    fuzz('test/native/fuzz.ts', 10_000),
    fuzz('test/formats/mutations.ts', 300),
    ...folders.map((name) => mocha(`test/${name}/**/*.test.ts`)),
  ]
}

const failed: string[] = []
for (const args of parts(process.argv.slice(2))) {
  const { status } = spawnSync(process.execPath, args, { env, stdio: 'inherit' })
  if (status !== 0) failed.push(args.at(-1) ?? '')
}

// Tests ask for more memory than there is, and the sanitizer warns of that.
const found = readdirSync(reports)
  .map((name) =>
    readFileSync(join(reports, name), 'utf8').replace(/^.*WARNING: .* failed to allocate .*\n/gm, ''),
  )
  .filter((report) => report !== '')
for (const report of found) console.error(report)
console.log(
  `${found.length} reports in ${reports}, ${failed.length} parts failed: ${failed.join(', ') || 'none'}`,
)
process.exitCode = found.length > 0 || failed.length > 0 ? 1 : 0
