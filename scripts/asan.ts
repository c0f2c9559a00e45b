// Runs the fuzzers and the tests on an addon under AddressSanitizer and UndefinedBehaviorSanitizer, which it
// builds first; fails when one of them reports anything.
//   npm run test:asan -- [FILE...]     the tests of these files instead of all
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildAddon } from '../lib/install/build.js'

const folder = await buildAddon({ asan: true })
const reports = mkdtempSync(join(tmpdir(), 'torch-prune-asan-'))
// The leaks are Node's own; containers that cross into libtorch, which is not built so, look overflown; and
// Node's memory may be given back by another function than the one that it came from.
const ASAN = {
  detect_leaks: 0,
  detect_container_overflow: 0,
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

const run = (...args: string[]) => spawnSync(process.execPath, args, { env, stdio: 'inherit' }).status ?? 1
const files = process.argv.slice(2)
const all = files.length > 0 ? files : ['test/**/*.test.ts']
const mocha = ['--no-config', '--import=tsx/esm', '--timeout', '900000', '--exit', ...all]
const failed = [
  run('--import', 'tsx/esm', 'test/native/fuzz.ts', '10000'),
  run('node_modules/mocha/bin/mocha.js', ...mocha),
].filter((status) => status !== 0).length

// Tests ask for more memory than there is, of which the sanitizer warns.
const found = readdirSync(reports)
  .map((name) =>
    readFileSync(join(reports, name), 'utf8').replace(/^.*WARNING: .* failed to allocate .*\n/gm, ''),
  )
  .filter((report) => report !== '')
for (const report of found) console.error(report)
console.log(`${found.length} reports in ${reports}, ${failed} of 2 parts failed`)
process.exitCode = found.length > 0 || failed > 0 ? 1 : 0
