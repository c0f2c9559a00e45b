import { execFile, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { findAddon, libtorchFor, PLATFORM_PACKAGE } from '../../lib/install/addon_files.js'
import { PACKAGE, VERSION } from '../../lib/install/home.js'
import { packAll, type Tarballs } from '../../scripts/package.js'
import { Registry } from './registry.js'

const run = promisify(execFile)

// A service as its author would write it: plain TypeScript against the published types.
const SERVICE = `
import { createServer } from 'node:http'
import { criteria, Dataset, network, nn, optim, pretrained, prune, randint, randn, train, versions } from 'torch-prune'

const net = network([8], { fc1: nn.linear(8, 32), relu1: nn.relu(), fc2: nn.linear(32, 3) }, { seed: 1 })
const samples = Dataset.from(randn([256, 8]), randint(0, 3, [256]))
const data = { train: samples, validation: samples.slice(0, 64) }

async function work(): Promise<number> {
  const optimizer = optim.sgd({ lr: 0.05, momentum: 0.9 })
  await train(net, samples, { epochs: 3, optimizer })
  const criterion = criteria.magnitude().density({ fc1: 0.25, fc2: 0.5 })
  const { rounds } = await prune(net, data, { criterion, rounds: 2, retrain: { epochs: 1, optimizer } })
  await net.assertSealed()
  return rounds.at(-1)!.density
}

const server = createServer((_, response) => response.end('still here'))
server.listen(0, async () => {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const running = work()
  const answer = await (await fetch(\`http://127.0.0.1:\${address.port}\`)).text()
  using small = await pretrained('lenet-300-100')
  const { parameterCount } = small
  console.log(JSON.stringify({ ...versions(), answer, density: await running, parameterCount }))
  server.close()
})
`

const TSCONFIG = {
  compilerOptions: { target: 'es2022', module: 'nodenext', strict: true, types: ['node'], outDir: 'dist' },
  include: ['service.ts'],
}

describe('the package, packed and installed into an empty project', function () {
  this.timeout(180_000)
  let folder: string
  let project: string
  let tarballs: Tarballs
  let registry: Registry
  let libtorch: string

  // What npm test sets for its children must not reach the project's own npm.
  const env = () => {
    const kept = Object.entries(process.env).filter(([name]) => !/^(npm_|TORCH_PRUNE_ADDON$)/i.test(name))
    return { ...Object.fromEntries(kept), LIBTORCH: libtorch }
  }

  before(async () => {
    // Built for the same libtorch as the one under test, which the package does not bring.
    const { folder: addon, record } = findAddon()
    libtorch = libtorchFor(addon, record).dir
    folder = mkdtempSync(join(tmpdir(), 'torch-prune-package-'))
    project = join(folder, 'project')
    tarballs = packAll(join(folder, 'tarballs'))
    registry = new Registry([tarballs.main, tarballs.platform], join(PACKAGE, 'node_modules'))
    const url = await registry.listen()

    mkdirSync(project)
    const types = JSON.parse(readFileSync(join(PACKAGE, 'node_modules/@types/node/package.json'), 'utf8'))
    const manifest = {
      name: 'service',
      type: 'module',
      dependencies: { 'torch-prune': VERSION },
      devDependencies: { '@types/node': types.version },
    }
    writeFileSync(join(project, 'package.json'), JSON.stringify(manifest))
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(TSCONFIG))
    writeFileSync(join(project, 'service.ts'), SERVICE)
    writeFileSync(join(folder, 'npmrc'), '')
    const options = [
      '--registry',
      url,
      '--cache',
      join(folder, 'cache'),
      '--userconfig',
      join(folder, 'npmrc'),
    ]
    await run('npm', ['install', '--no-audit', '--no-fund', ...options], { cwd: project, env: env() })
  })
  after(() => {
    registry?.close()
    if (folder) rmSync(folder, { recursive: true, force: true })
  })

  it('runs nothing on installation', () => {
    const manifest = JSON.parse(readFileSync(join(project, 'node_modules/torch-prune/package.json'), 'utf8'))
    expect(manifest).not.to.have.property('scripts')
    expect(manifest).not.to.have.property('devDependencies')
    expect(manifest.gypfile).to.equal(false)
  })

  it('brings the addon of this platform, without a path of the machine that built it', () => {
    const addon = join(project, 'node_modules', PLATFORM_PACKAGE)
    expect(readdirSync(addon)).to.include.members(['loader.node', 'torch_prune.json', 'torch_prune.node'])
    const record = JSON.parse(readFileSync(join(addon, 'torch_prune.json'), 'utf8'))
    expect(record).to.have.all.keys('libtorch', 'cuda', 'torchPrune')
    expect(readFileSync(join(addon, 'torch_prune.node')).includes(libtorch)).to.equal(false)
  })

  it('brings the finished networks, and what another libtorch needs: the native sources and both builds', () => {
    const installed = join(project, 'node_modules/torch-prune')
    for (const file of [
      'native/addon.cc',
      'CMakeLists.txt',
      'binding.gyp',
      'dist/install/build.js',
      'LICENSE',
      'networks/lenet-300-100.tpz',
      'networks/lenet-300-100.json',
    ]) {
      expect(existsSync(join(installed, file)), file).to.equal(true)
    }
    for (const name of ['test', 'lib', 'scripts', 'build']) {
      expect(existsSync(join(installed, name)), name).to.equal(false)
    }
  })

  it('serves a plain TypeScript file, compiled with its types', async () => {
    const tsc = spawnSync(join(PACKAGE, 'node_modules/.bin/tsc'), ['-p', project], {
      encoding: 'utf8',
      cwd: project,
    })
    expect(tsc.stdout).to.equal('')
    expect(tsc.status).to.equal(0)
    const { stdout } = await run(process.execPath, ['dist/service.js'], { cwd: project, env: env() })
    const report = JSON.parse(stdout)
    expect(report).to.include({ torchPrune: VERSION, answer: 'still here', parameterCount: 266610 })
    expect(report.density).to.be.closeTo((64 + 48) / (256 + 96), 1e-9)
  })
})
