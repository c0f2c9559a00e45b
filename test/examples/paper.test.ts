import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { PACKAGE } from '../../lib/install/home.js'
import { loadNetwork } from '../../lib/nn/load.js'
import { temporaryFolder } from '../cli/command.js'
import { writeTinyMnist } from '../cli/tiny.js'

const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

describe('examples/paper.ts', function () {
  this.timeout(60_000)
  const box = temporaryFolder()
  after(() => box.dispose())

  it('trains, prunes by solved thresholds, removes dead neurons and saves, on the built package', async () => {
    // The validation part is 5,000 samples, whatever the set.
    writeTinyMnist(box.path('mnist'), { train: 6500, test: 200 })
    const file = box.path('small.safetensors')
    const args = ['--import', loader, join(PACKAGE, 'examples/paper.ts'), file, '4', box.path('mnist')]
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: PACKAGE })
    expect(stdout).to.match(/^dense: validation error \d+\.\d\d%$/m)
    expect(
      stdout.match(/^kept of fc1 \S+%, fc2 \S+%, fc3 \S+%: validation error \S+%, retrained \S+%$/gm),
    ).to.have.length(4)
    const [, compression, error] = /^(\d+\.\d) times smaller, test error (\d+\.\d\d)%/m.exec(stdout) ?? []
    expect(Number(compression)).to.be.above(8)
    expect(Number(error)).to.be.below(50)
    using net = await loadNetwork(file)
    await net.assertSealed()
    expect(net.parameterCount).to.be.below(64 * 300 + 300 * 100)
  })
})
