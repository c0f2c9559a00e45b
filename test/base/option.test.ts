import { expect } from 'chai'
import { list, pair, record } from '../../lib/base/collection.js'
import { anyOf, boolean, exactly, number, path, text, whole, words } from '../../lib/base/kind.js'
import { group, made, optional, readOptions } from '../../lib/base/option.js'
import { refusal } from '../support/refusal.js'

const table = {
  epochs: whole(1),
  batchSize: optional(whole(1), 64),
  rate: optional(number({ least: 0, most: 1e20 })),
  order: optional(words('random', 'given'), 'random'),
  crop: optional(anyOf(exactly(true), group({ padding: optional(whole(0, 4096), 0) }))),
  betas: optional(pair(number({ least: 0, under: 1 }))),
  schedule: optional(
    made<{ kind: 'step'; every: number }>({
      kinds: { step: { every: number({ over: 0 }) } },
      makers: ['step(10)'],
    }),
  ),
}
const read = (given: unknown) => readOptions('train', table, given)
const refused = (given: unknown) => refusal(() => read(given)).message

describe('options', () => {
  it('come with their defaults, undefined counting as left out', () => {
    expect(read({ epochs: 2 })).to.deep.equal({ epochs: 2, batchSize: 64, order: 'random' })
    expect(read({ epochs: 2, batchSize: undefined, another: undefined }).batchSize).to.equal(64)
  })

  it('are read once, and copied', () => {
    let reads = 0
    const betas: [number, number] = [0.5, 0.5]
    const got = read({
      betas,
      get epochs() {
        reads++
        return 3
      },
    })
    betas[0] = 7
    expect([reads, got.epochs, got.betas]).to.deep.equal([1, 3, [0.5, 0.5]])
  })

  it('are infinite only where that is allowed', () => {
    const any = number({ least: 0, most: Number.POSITIVE_INFINITY })
    expect(any.read(Number.POSITIVE_INFINITY, 'bytes')).to.equal(Number.POSITIVE_INFINITY)
    const { message } = refusal(() => number({ over: 0 }).read(Number.POSITIVE_INFINITY, 'lr'))
    expect(message).to.equal('lr must be over 0, got Infinity')
  })

  it('come from objects of a class of the user, and from those without a prototype', () => {
    class Mine {
      epochs = 3
    }
    expect(read(new Mine()).epochs).to.equal(3)
    expect(read(Object.assign(Object.create(null), { epochs: 4 })).epochs).to.equal(4)
  })

  const wrong: [string, unknown, string][] = [
    [
      'a misspelt name',
      { epochs: 1, batchsize: 3 },
      "train: unknown option 'batchsize': did you mean batchSize?",
    ],
    [
      'a name that is like no other',
      { epochs: 1, xylophone: 3 },
      "train: unknown option 'xylophone': it takes epochs, batchSize, rate, order, crop, betas and schedule",
    ],
    ['what is missing', {}, 'train: epochs is missing: it must be a whole number of 1 or more'],
    ['a fraction', { epochs: 0.5 }, 'train: epochs must be a whole number of 1 or more, got 0.5'],
    ['a string', { epochs: '3' }, "train: epochs must be a whole number of 1 or more, got '3'"],
    ['NaN', { epochs: 1, rate: Number.NaN }, 'train: rate must be a number in 0..1e20, got NaN'],
    ['what is out of range', { epochs: 1, rate: -1 }, 'train: rate must be in 0..1e20, got -1'],
    ['null', { epochs: 1, rate: null }, 'train: rate must be a number in 0..1e20, got null'],
    [
      'another word',
      { epochs: 1, order: 'shuffled' },
      "train: order must be 'random' or 'given', got 'shuffled'",
    ],
    [
      'a name within a group',
      { epochs: 1, crop: { pad: 3 } },
      "train: crop: unknown option 'pad': did you mean padding?",
    ],
    [
      'a value within a group',
      { epochs: 1, crop: { padding: -1 } },
      'train: crop.padding must be a whole number in 0..4096, got -1',
    ],
    [
      'none of several kinds',
      { epochs: 1, crop: 3 },
      'train: crop must be true or an object (padding), got 3',
    ],
    [
      'a longer array',
      { epochs: 1, betas: [0, 0, 0] },
      'train: betas must be an array of two, each a number of 0 or more and under 1, got an array of 3',
    ],
    ['an element', { epochs: 1, betas: [0, 1] }, 'train: betas[1] must be 0 or more and under 1, got 1'],
    [
      'a made value by its name',
      { epochs: 1, schedule: 'step' },
      "train: schedule must be what step(10) returns, got 'step'",
    ],
    [
      'its function, not called',
      { epochs: 1, schedule: function step() {} },
      'train: schedule must be what step(10) returns, got the function step: call it',
    ],
    [
      'a made value changed by hand',
      { epochs: 1, schedule: { kind: 'step', every: -1 } },
      'train: schedule.every must be over 0, got -1',
    ],
    ['a number for options', 3, `train: options must be an object (${Object.keys(table).join(', ')}), got 3`],
    [
      'a map for options',
      new Map(),
      `train: options must be an object (${Object.keys(table).join(', ')}), got a Map`,
    ],
    [
      'all that is wrong at once, also within groups',
      { epochs: 0, batchsize: 3, crop: { padding: -1, side: 2 }, rate: '1' },
      "train: unknown option 'batchsize': did you mean batchSize?; " +
        'epochs must be a whole number of 1 or more, got 0; ' +
        "rate must be a number in 0..1e20, got '1'; " +
        "crop: unknown option 'side': it takes padding; " +
        'crop.padding must be a whole number in 0..4096, got -1',
    ],
  ]
  for (const [what, given, message] of wrong) {
    it(`refuse ${what}`, () => {
      expect(refused(given)).to.equal(message)
    })
  }

  it('say some of many faults, and how many more there are', () => {
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`name${i}`, i]))
    const message = refused({ epochs: 1, ...many })
    const said = message.match(/unknown option/g)!.length
    expect(said).to.be.within(3, 10)
    expect(message.endsWith(`; and ${5000 - said} more`)).to.equal(true)
    expect(message.length).to.be.at.most(1000)
  })

  it('do not look through what is huge', () => {
    expect(refused('x'.repeat(1e7)).length).to.be.below(300)
    expect(() => list(text, 'names').read(new Array(2 ** 32 - 1), 'names')).to.throw('names[0] is missing')
    expect(refused({ epochs: 10n ** 100_000n })).to.match(/got a huge bigint$/)
    expect(refused({ ['x'.repeat(1e6)]: 1 }).length).to.be.below(300)
  })

  it('name the place in an array or a record', () => {
    expect(() => list(whole(), 'numbers').read([1, 'b'], 'indices')).to.throw(
      "indices[1] must be a whole number, got 'b'",
    )
    expect(() => record(boolean, 'flags').read({ a: 1 }, 'flags')).to.throw(
      'flags.a must be true or false, got 1',
    )
  })

  it('take no path that Node would refuse with an error of its own', () => {
    expect(() => path.read('a\0b', 'save: path')).to.throw(
      "save: path must be a path of 1 to 4096 characters, none of them null, got 'a\\u0000b'",
    )
  })
})
