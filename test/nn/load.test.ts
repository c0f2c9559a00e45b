import { readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import type { SafetensorsFile } from '../../lib/formats/safetensors.js'
import { loadNetwork } from '../../lib/nn/load.js'
import { freshFolder } from '../support/folder.js'
import { laterRefusal } from '../support/refusal.js'
import { changed, make } from './saved_toy.js'

const GRAPH = 'torch-prune.graph'

const box = freshFolder()
const file = () => box('net.safetensors')

describe('loadNetwork refuses, naming the file,', () => {
  interface Graph {
    input: number[]
    layers: { name: string; layer: Record<string, unknown> }[]
  }
  const graph = (change: (graph: Graph) => unknown) => (held: SafetensorsFile) => {
    held.metadata[GRAPH] = JSON.stringify(change(JSON.parse(held.metadata[GRAPH]!)))
  }
  /** The graph with other options in one layer. */
  const layer = (name: string, options: Record<string, unknown>) =>
    graph(({ input, layers }) => ({
      input,
      layers: layers.map((each) =>
        each.name === name ? { name, layer: { ...each.layer, ...options } } : each,
      ),
    }))
  /** The graph with one more layer behind. */
  const behind = (name: string, layer: Record<string, unknown>) =>
    graph(({ input, layers }) => ({ input, layers: [...layers, { name, layer }] }))
  const huge = { kind: 'linear', inFeatures: 3, outFeatures: 2 ** 40, bias: true }

  const cases: [what: string, says: RegExp, change: (file: SafetensorsFile) => void][] = [
    ['a graph that is no graph', /^its layer graph is wrong at : /, graph(() => [])],
    ['no layers', /^its layer graph is wrong at layers: /, graph(({ input }) => ({ input, layers: [] }))],
    [
      'an unknown kind',
      /^its layer graph is wrong: layer 'fc' is of kind 'attention', which does not exist/,
      layer('fc', { kind: 'attention' }),
    ],
    [
      'half a feature',
      /^its layer graph is wrong: layer 'fc'.inFeatures must be a whole number/,
      layer('fc', { inFeatures: 0.5 }),
    ],
    ['a dropout of 2', /^its layer graph is wrong: layer 'drop'.p must be in 0..1/, layer('drop', { p: 2 })],
    [
      'a property of no layer',
      /^its layer graph is wrong: layer 'fc': unknown option 'rank'/,
      layer('fc', { rank: 2 }),
    ],
    ['a name that comes twice', /^its layer graph has two layers "fc"; /, behind('fc', { kind: 'relu' })],
    ['a name of a prototype', /^its layer graph .*'__proto__'/, behind('__proto__', { kind: 'relu' })],
    ['a whole number for a name', /^its layer graph .*'7'/, behind('7', { kind: 'relu' })],
    [
      'a source that is not there',
      /^its layer graph .*'relu' reads from 'nowhere'/,
      layer('relu', { from: 'nowhere' }),
    ],
    [
      'shapes that do not fit',
      /^its layer graph .*'fc' \(linear\) expects \[25\]/,
      layer('fc', { inFeatures: 25 }),
    ],
    [
      'groups that do not divide',
      /^its layer graph .*'short'.* 2 groups divide neither/,
      layer('short', { groups: 2 }),
    ],
    [
      'more layers than it holds',
      /^its layer graph has 4398046511260 parameters, the file holds \d+; /,
      behind('fc9', huge),
    ],
  ]
  for (const [what, says, change] of cases) {
    it(what, async () => expect(await changed(file(), change)).to.match(says))
  }

  it('a graph that is not JSON', async () => {
    const cut = ({ metadata }: SafetensorsFile) => {
      metadata[GRAPH] = '{"input":'
    }
    expect(await changed(file(), cut)).to.match(/^its layer graph is not JSON; /)
  })

  it('a file cut short', async () => {
    using net = make()
    await net.save(file())
    const bytes = readFileSync(file())
    writeFileSync(file(), bytes.subarray(0, bytes.length - 5))
    expect((await laterRefusal(loadNetwork(file()))).code).to.equal('ERR_FILE')
  })
})
