import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { createProgram } from '../../lib/cli/program.js'
import { PACKAGE } from '../../lib/install/home.js'

const text = readFileSync(join(PACKAGE, 'README.md'), 'utf8')
const blocks = (language: string) =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, code]) => code!)
const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

describe('README.md', function () {
  this.timeout(60_000)
  // Inside the package, where its own name leads to the built one.
  const folder = join(PACKAGE, 'build', `readme-${process.pid}`)
  before(() => mkdirSync(folder, { recursive: true }))
  after(() => rmSync(folder, { recursive: true, force: true }))

  for (const [i, code] of blocks('ts').entries()) {
    it(`has a program ${i + 1} that runs`, async () => {
      const file = join(folder, `${i}.ts`)
      writeFileSync(file, code.replace(/\b(epochs|rounds): \d+/g, '$1: 1'))
      await promisify(execFile)(process.execPath, ['--import', loader, file], { cwd: folder })
    })
  }

  const lines = blocks('sh')
    .flatMap((block) => block.split('\n'))
    .map((line) => line.replace(/ *#.*/, ''))
  const commands = lines.filter((line) => /^(npx )?torch-prune /.test(line))
  for (const line of commands) {
    it(`has a command that is one: ${line}`, async () => {
      const [name, ...words] = line.replace(/^(npx )?torch-prune /, '').split(' ')
      const command = (await createProgram()).commands.find((candidate) => candidate.name() === name)!
      expect(command, name).to.not.equal(undefined)
      const { operands, unknown } = command.parseOptions(words)
      expect(unknown).to.deep.equal([])
      expect(operands).to.have.length(command.registeredArguments.length)
      expect(() => command.opts()).to.not.throw()
    })
  }

  it('names scripts of the package', () => {
    const { scripts } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'))
    const named = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name!)
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).to.deep.equal([])
  })

  it('links to what is there', () => {
    const targets = [...text.matchAll(/\]\(([^)]+)\)/g)]
      .map(([, target]) => target!)
      .filter((target) => !target.startsWith('http'))
    const anchors = [...text.matchAll(/^#+ (.*)$/gm)].map(
      ([, heading]) =>
        `#${heading!
          .toLowerCase()
          .replace(/[^\w -]/g, '')
          .replaceAll(' ', '-')}`,
    )
    const missing = targets.filter((target) =>
      target.startsWith('#') ? !anchors.includes(target) : !existsSync(join(PACKAGE, target)),
    )
    expect(missing).to.deep.equal([])
  })
})
