import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { PACKAGE } from '../../lib/install/home.js'
import { writePictures } from '../../scripts/imagenet/pictures.js'

const box = mkdtempSync(join(tmpdir(), 'torch-prune-scripts-'))
after(() => rmSync(box, { recursive: true, force: true }))

function script(name: string, ...args: string[]) {
  const command = ['--import', 'tsx', join(PACKAGE, 'scripts', `${name}.ts`), ...args]
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: PACKAGE, encoding: 'utf8' })
  return { status, stdout, stderr }
}

// That they work is tried by `npm run smoke`.
describe('the ImageNet scripts', function () {
  this.timeout(60_000)

  for (const name of ['alexnet-imagenet', 'vgg16-imagenet']) {
    it(`say how they are used: ${name}`, () => {
      const { status, stdout } = script(name, '--help')
      expect(status).to.equal(0)
      for (const option of ['--weights', '--checkpoint-minutes', '--resume', '--smoke', '--autocast']) {
        expect(stdout).to.include(option)
      }
      for (const line of stdout.split('\n')) expect(line.length, line).to.be.at.most(80)
    })
  }

  it('refuse bad input in one line', async () => {
    const data = join(box, 'pictures')
    await writePictures(data, { classes: 2, train: 2, held: 1, side: 64 })
    const refused = (message: RegExp, ...args: string[]) => {
      const { status, stdout, stderr } = script('alexnet-imagenet', '--out', join(box, 'run'), ...args)
      expect(stderr)
        .to.match(/^torch-prune: [^\n]+\n$/)
        .and.to.match(message)
      expect({ status, stdout }).to.deep.equal({ status: 2, stdout: '' })
    }
    refused(/this recipe needs images from you: name a folder .*, with --data/)
    refused(/has no train\/ beside val\//, '--data', box)
    refused(/--rounds takes a whole number of 1 or more, got '0'/, '--rounds', '0')
    refused(/'--model <name>' argument 'vgg-16' is invalid/, '--model', 'vgg-16')
    refused(/none\.pth: does not exist/, '--data', data, '--weights', join(box, 'none.pth'))
  })
})
