import { dirname, join, normalize } from 'node:path'
import { expect } from 'chai'
import { sourceOf, sources } from '../support/sources.js'

/** The folders of lib/, from the ground up: a folder imports itself and those before it. */
const FLOORS = [
  'base',
  'coded',
  'install',
  'binding',
  'distributed',
  'tensor',
  'formats',
  'data',
  'infer',
  'nn',
  'optim',
  'models',
  'train',
  'prune',
  'quantize',
  'runs',
  'studies',
  'report',
  'recipes',
  'cli',
]

const imports = new Map(sources('lib', /\.ts$/).map((file) => [file, importsOf(file)] as const))

function importsOf(file: string): string[] {
  const found = sourceOf(file).matchAll(/(?:\bfrom|\bimport) ?\(?'(\.{1,2}\/[^']+)\.js'/g)
  return [...found].map(([, path]) => `${normalize(join(dirname(file), path!))}.ts`)
}

const folderOf = (file: string) => (file.split('/').length > 2 ? file.split('/')[1]! : '')

describe('the imports of lib/', () => {
  it('know the floor of every folder', () => {
    const folders = new Set([...imports.keys()].map(folderOf).filter((folder) => folder !== ''))
    expect([...folders].sort()).to.deep.equal([...FLOORS].sort())
  })

  it('run down', () => {
    const floor = (file: string) => (folderOf(file) === '' ? FLOORS.length : FLOORS.indexOf(folderOf(file)))
    const upward = [...imports].flatMap(([from, to]) =>
      to.filter((file) => floor(file) > floor(from)).map((file) => `${from} -> ${file}`),
    )
    expect(upward).to.deep.equal([])
  })

  it('run in no circle, those among the families of tensors apart', () => {
    const left = new Map(
      [...imports].map(([from, to]) => [
        from,
        new Set(to.filter((file) => !(folderOf(file) === 'tensor' && folderOf(from) === 'tensor'))),
      ]),
    )
    // Takes away what imports nothing that is left, and what nothing left imports, until only circles stay.
    for (let before = -1; before !== left.size; ) {
      before = left.size
      const imported = new Set([...left.values()].flatMap((to) => [...to]))
      for (const [file, to] of left) {
        if (!imported.has(file) || ![...to].some((other) => left.has(other))) left.delete(file)
      }
    }
    expect([...left.keys()]).to.deep.equal([])
  })

  it('of the reader that browsers run lead to errors alone, and to no package', () => {
    const files = sources('lib/coded', /\.ts$/)
    const others = files.flatMap((file) => {
      const found = sourceOf(file).matchAll(/(?:\bfrom|\bimport) ?\(?'([^']+)'/g)
      return [...found]
        .map(([, path]) => (path!.startsWith('.') ? normalize(join(dirname(file), path!)) : path!))
        .filter((path) => !path.startsWith('lib/coded/') && path !== 'lib/base/errors.js')
        .map((path) => `${file} -> ${path}`)
    })
    expect(others).to.deep.equal([])
    expect(imports.get('lib/base/errors.ts')).to.deep.equal([])
  })
})
