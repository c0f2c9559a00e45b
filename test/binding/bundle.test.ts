import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect } from 'chai'

describe('a program that a bundler put into one file', () => {
  it('says in one line that the package must stay outside it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'torch-prune-bundle-'))
    try {
      const require = createRequire(import.meta.url)
      const manifest = require.resolve('esbuild/package.json')
      const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: { esbuild: string } }
      const esbuild = join(dirname(manifest), bin.esbuild)
      const entry = new URL('../../lib/index.ts', import.meta.url).pathname
      const bundle = join(folder, 'app.mjs')
      const options = ['--bundle', '--platform=node', '--format=esm', '--target=node20', '--log-level=error']
      const made = spawnSync(esbuild, [entry, ...options, `--outfile=${bundle}`], { encoding: 'utf8' })
      expect(made.stderr).to.equal('')
      const run = spawnSync(process.execPath, [bundle], { encoding: 'utf8' })
      expect(run.status).to.equal(1)
      expect(run.stderr).to.match(
        /^TorchPruneError: torch-prune cannot run from inside a bundle.*--external:torch-prune.*$/m,
      )
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
