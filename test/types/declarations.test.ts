import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect } from 'chai'
import {
  type ExpressionWithTypeArguments,
  type Node,
  SyntaxKind,
  type TypeQueryNode,
  type TypeReferenceNode,
} from 'typescript/unstable/ast'
import {
  API,
  type Project,
  type Snapshot,
  SymbolFlags,
  type Symbol as TypeSymbol,
} from 'typescript/unstable/sync'

const root = resolve(import.meta.dirname, '../..')
const index = join(root, 'dist/index.d.ts')

/** A user's program that looks into every declaration of the package. */
const PROGRAM = `import * as library from ${JSON.stringify(join(root, 'dist/index.js'))}
export const all: typeof library = library
// @ts-expect-error an internal
library.models.lenet5().handle
// @ts-expect-error another
library.models.lenet5().rebuild
// @ts-expect-error a third
export type Splicing = library.TrainOptions['splicing']
`

const OPTIONS = {
  target: 'es2022',
  lib: ['es2023', 'esnext.disposable'],
  module: 'nodenext',
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  noEmit: true,
  types: ['node'],
  typeRoots: [join(root, 'node_modules/@types')],
}

describe('the declarations of the package', function () {
  this.timeout(60_000)
  let folder: string
  let api: API
  let snapshot: Snapshot
  let project: Project

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'torch-prune-types-'))
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    writeFileSync(join(folder, 'program.ts'), PROGRAM)
    const config = join(folder, 'tsconfig.json')
    writeFileSync(config, JSON.stringify({ compilerOptions: OPTIONS, files: ['program.ts'] }))
    api = new API()
    snapshot = api.updateSnapshot({ openProjects: [config] })
    project = snapshot.getProject(config)!
  })
  after(() => {
    snapshot.dispose()
    api.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('compile in a program that checks them too, and keep internals out', () => {
    const found = project.program.getSemanticDiagnostics()
    expect(found.map(({ fileName, text }) => `${fileName}: ${text}`)).to.deep.equal([])
  })

  it('export every type that a signature names', () => {
    const { checker, program } = project
    const plain = (symbol: TypeSymbol) =>
      symbol.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
    const home = checker.getSymbolAtLocation(program.getSourceFile(index) as unknown as Node)!
    const exported = new Map<number, TypeSymbol>()
    const collect = (module: TypeSymbol) => {
      for (const symbol of checker.getExportsOfModule(module).map(plain)) {
        exported.set(symbol.id, symbol)
        // A namespace, whose members are reached through it.
        if (symbol.flags & SymbolFlags.ValueModule) collect(symbol)
      }
    }
    collect(home)
    const missing = new Set<string>()
    const queue = [...exported.values()]
    const seen = new Set(exported.keys())
    for (const symbol of queue) {
      const nodes = symbol.declarations
        .filter(({ kind }) => kind !== SyntaxKind.SourceFile)
        .map((handle) => handle.resolve(project)!)
      const { named, reached } = namesIn(nodes)
      const owner = symbol.name
      for (const used of checker.getSymbolAtLocation(named)) {
        if (used === undefined || !isOurs(plain(used)) || exported.has(plain(used).id)) continue
        missing.add(`${plain(used).name}, which ${owner} names`)
      }
      for (const used of checker.getSymbolAtLocation(reached)) {
        if (used === undefined || !isOurs(plain(used)) || seen.has(plain(used).id)) continue
        seen.add(plain(used).id)
        queue.push(plain(used))
      }
    }
    expect([...missing].sort()).to.deep.equal([])
  })
})

/** The types that declarations name, and what they take from elsewhere: bases, and values by `typeof`. */
function namesIn(declarations: readonly Node[]): { readonly named: Node[]; readonly reached: Node[] } {
  const named: Node[] = []
  const reached: Node[] = []
  const visit = (node: Node): void => {
    if (node.kind === SyntaxKind.TypeReference) named.push((node as TypeReferenceNode).typeName)
    if (node.kind === SyntaxKind.TypeQuery) reached.push((node as TypeQueryNode).exprName)
    if (node.kind === SyntaxKind.ExpressionWithTypeArguments) {
      reached.push((node as ExpressionWithTypeArguments).expression)
    }
    node.forEachChild((child) => visit(child))
  }
  for (const declaration of declarations) visit(declaration)
  return { named, reached }
}

/** What the compiler works types out by, from those that users write. Nobody needs to name it. */
const HELPERS = new Set([
  ...[
    'Carried',
    'Choice',
    'ElementsByDType',
    'Fitting',
    'Floated',
    'Named',
    'NameOfKind',
    'NamesIn',
    'Placed',
  ],
  'Summed',
  // The base of tensors.
  'Holder',
])

/** Whether the package declares a symbol, and users may want to name it: the tables of options have types of their own. */
function isOurs({ name, declarations }: TypeSymbol): boolean {
  if (HELPERS.has(name)) return false
  return declarations.some(
    ({ path, kind }) =>
      kind !== SyntaxKind.TypeParameter &&
      path.startsWith(join(root, 'dist').toLowerCase()) &&
      !/\/base\/(kind|option)\.d\.ts$/.test(path),
  )
}
