import { expect } from 'chai'
import { Program } from './service.js'

const HEAD = `
import {
  applyCriterion, criteria, type Dataset, models, network, nn, optim, prune,
} from 'torch-prune'
const { add, conv2d, linear, prefix, relu } = nn
declare const data: Dataset
const splits = { train: data, validation: data }
const retrain = { epochs: 1, optimizer: optim.sgd({ lr: 0.1 }) }
const net = network([4], { fc1: linear(4, 4), relu1: relu(), fc2: linear(4, 2) })
`

/** A line of code, and the name that the last line of its one error has to hold. */
const WRONG: readonly (readonly [code: string, name: string])[] = [
  ['applyCriterion(net, criteria.magnitude().density({ fc9: 0.1 }))', 'fc9'],
  ['applyCriterion(net, criteria.magnitude().deviation({ fc1: 1, relu1: 1 }))', 'relu1'],
  ['applyCriterion(net, criteria.filterNorm().filters({ fc9: 0.1 }))', 'fc9'],
  ["applyCriterion(net, criteria.fisher().global(0.1, { layers: ['fc9'] }))", 'fc9'],
  ['applyCriterion(models.lenet300100(), criteria.magnitude().deviation({ fc4: 1 }))', 'fc4'],
  [
    "applyCriterion(models.resnet50ImageNet(), criteria.magnitude().deviation({ 'layer9.0.conv1': 1 }))",
    'layer9.0.conv1',
  ],
  [
    'prune(net, splits, { criterion: criteria.magnitude().deviation({ fc1: 0.9, fc4: 0.8 }), retrain })',
    'fc4',
  ],
  [
    "prune(net, splits, { criterion: criteria.magnitude().global(0.1, { layers: ['relu1'] }), retrain })",
    'relu1',
  ],
  ['prune.splice(net, splits, { ...retrain, criterion: criteria.magnitude().density({ fc9: 0.5 }) })', 'fc9'],
  ['prune.spliceOnce(net, criteria.magnitude().density({ fc9: 0.5 }))', 'fc9'],
  ["prune.sensitivity(net, data, { layers: ['fc9'] })", 'fc9'],
  ["net.freeze('relu9')", 'relu9'],
  ["net.tensor('fc1.wieght')", 'fc1.wieght'],
  ["net.setMask('relu1', undefined)", 'relu1'],
]
/** The same of what layers read from. */
const UNCONNECTED: readonly (readonly [code: string, name: string])[] = [
  ["network([4], { a: linear(4, 4), s: relu({ from: 'x' }) })", 'x'],
  ["network([4], { a: linear(4, 4), s: add('a', 'x') })", 'x'],
  ["prefix('group', { a: linear(4, 4), s: relu({ from: 'x' }) })", 'x'],
]

/** A line of code, and what is offered at its ⎵. */
const OFFERED: readonly (readonly [code: string, names: readonly string[]])[] = [
  ['applyCriterion(net, criteria.magnitude().deviation({ ⎵ }))', ['fc1', 'fc2']],
  ['applyCriterion(net, criteria.magnitude().density({ fc1: 0.5, ⎵ }))', ['fc2']],
  ['applyCriterion(models.lenet300100(), criteria.filterNorm().filters({ ⎵ }))', ['fc1', 'fc2', 'fc3']],
  ["applyCriterion(net, criteria.magnitude().global(0.1, { layers: ['⎵'] }))", ['fc1', 'fc2']],
  ['prune(net, splits, { criterion: criteria.magnitude().deviation({ ⎵ }), retrain })', ['fc1', 'fc2']],
  ["prune.sensitivity(net, data, { layers: ['⎵'] })", ['fc1', 'fc2']],
  ["net.mask('⎵')", ['fc1', 'fc2']],
  ["network([4], { a: linear(4, 4), b: relu({ from: '⎵' }), c: relu() })", ['a', 'b', 'c', 'input']],
  ["network([4], { a: linear(4, 4), b: relu(), c: add('a', '⎵') })", ['a', 'b', 'c', 'input']],
  ["prefix('group', { a: linear(4, 4), b: relu({ from: '⎵' }) })", ['a', 'b', 'input']],
]

const program = (lines: readonly (readonly [code: string, ...unknown[]])[]) =>
  new Program(HEAD + lines.map(([code]) => code).join('\n'))

describe('names of layers', () => {
  it('that are not there are refused in a line or a few, of which the last says which', async () => {
    using wrong = program([...WRONG, ...UNCONNECTED])
    const errors = await wrong.errors()
    expect(errors).to.have.length(WRONG.length + UNCONNECTED.length)
    for (const [i, [code, name]] of WRONG.entries()) {
      expect(errors[i], code).to.have.length(1)
      expect(errors[i]![0], code).to.match(new RegExp(`: [^:]*'"?${name}"?'`))
    }
    for (const [i, [code, name]] of UNCONNECTED.entries()) {
      const lines = errors[WRONG.length + i]!
      expect(lines.length, code).to.be.at.most(4)
      expect(lines.at(-1), code).to.match(new RegExp(`'"${name}"' is not assignable to type '"a"`))
    }
  })

  it('that are there are offered by an editor', async () => {
    using open = program(OFFERED)
    const offered = await open.completions()
    for (const [code, names] of OFFERED) expect(offered.get(code), code).to.deep.equal(names)
  })
})
