import { expect } from 'chai'
import type { JsonSchema, Kind } from '../../lib/base/kind.js'
import type { Table } from '../../lib/base/option.js'
import type { NativeField } from '../../lib/binding/native.js'
import { augmentOptions, cropOptions, resizedCropOptions } from '../../lib/data/augment.js'
import { batchesOptions } from '../../lib/data/batches.js'
import { checkOptions } from '../../lib/data/dataset_options.js'
import { imageOptions } from '../../lib/data/images.js'
import { packOptions } from '../../lib/data/packed.js'
import { kinds } from '../../lib/nn/layers/all.js'
import { strengthOptions } from '../../lib/optim/regularization.js'
import { adamOptions, sgdOptions } from '../../lib/optim/spec.js'
import { spliceOnceOptions } from '../../lib/prune/options.js'
import { fisherOptions } from '../../lib/prune/score/fisher.js'
import { nmGiven } from '../../lib/prune/select/nm.js'
import { binaryOptions, crossEntropyOptions, huberOptions } from '../../lib/train/losses.js'
import { refusal } from '../support/refusal.js'
import { CONTRACT } from './contract.js'
import { addon, handle } from './handles.js'
import { RIGHT } from './right_arguments.js'

/** The options of the library by the native tables whose fields have the same names. */
const OPTIONS: Readonly<Record<string, Table>> = {
  sgd: sgdOptions,
  adam: adamOptions,
  parameter: {
    weightDecay: sgdOptions.weightDecay,
    l1: strengthOptions.strength,
    l2: strengthOptions.strength,
  },
  imageSettings: imageOptions,
  pack: packOptions,
  batches: batchesOptions,
  check: checkOptions,
  augment: augmentOptions,
  crop: cropOptions,
  resizedCrop: resizedCropOptions,
  crossEntropy: crossEntropyOptions,
  binaryCrossEntropyWithLogits: binaryOptions,
  huber: huberOptions,
  fisher: fisherOptions,
  nm: { keep: nmGiven.n, of: nmGiven.m },
  splicing: spliceOnceOptions,
}

type Bounds = Pick<NativeField, 'least' | 'most' | 'over' | 'under'>

/** The bounds of a number, or of the numbers of a list. */
function boundsOf(schema: JsonSchema | undefined): Bounds {
  const { anyOf, items, minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema ?? {}
  // One value for both dimensions, or two.
  if (Array.isArray(anyOf)) return boundsOf(anyOf[0] as JsonSchema)
  if (items !== undefined) return boundsOf(items as JsonSchema)
  const bounds = { least: minimum, most: maximum, over: exclusiveMinimum, under: exclusiveMaximum }
  return Object.fromEntries(Object.entries(bounds).filter(([, bound]) => bound !== undefined))
}

function nativeBounds({ least, most, over, under }: NativeField): Bounds {
  return Object.fromEntries(
    Object.entries({ least, most, over, under }).filter(([, bound]) => bound !== undefined),
  )
}

/** A kind with its words in order. */
const sorted = (kind: string) => kind.replace(/'.*'/, (words) => words.split(' | ').sort().join(' | '))

describe('the tables of fields of the addon', () => {
  const all = addon.fields()
  const tables = Object.fromEntries(Object.entries(all).filter(([name]) => !Object.hasOwn(kinds, name)))

  it('have the names and the kinds of the TypeScript contract', () => {
    const native = new Map(
      Object.entries(tables).map(([table, fields]) => [
        table,
        new Map(fields.map(({ name, kind, optional }) => [name, sorted(kind) + (optional ? '?' : '')])),
      ]),
    )
    const contract = new Map(
      Object.entries(CONTRACT).map(([table, fields]) => [
        table,
        new Map(Object.entries(fields).map(([name, kind]) => [name, sorted(kind)])),
      ]),
    )
    expect(native).to.deep.equal(contract)
  })

  for (const [table, options] of Object.entries(OPTIONS)) {
    it(`have the ranges and the defaults of the library's options: ${table}`, () => {
      const shared = tables[table]!.filter(({ name }) => Object.hasOwn(options, name))
      expect(shared).not.to.deep.equal([])
      for (const field of shared) {
        const kind: Kind<unknown> & { fallback?: unknown } = options[field.name]!
        const bounds = nativeBounds(field)
        if (Object.keys(bounds).length > 0)
          expect(bounds, field.name).to.deep.equal(boundsOf(kind.schema?.(() => undefined)))
        if (field.default !== undefined && kind.fallback !== undefined)
          expect(field.default, field.name).to.equal(kind.fallback)
      }
    })
  }

  for (const [kind, { table }] of Object.entries(kinds) as [string, { table: Table }][]) {
    it(`have what the library has of layers: ${kind}`, () => {
      const { from: _from, ...options } = table
      const native = all[kind] ?? []
      expect(native.map(({ name }) => name)).to.have.members(Object.keys(options))
      for (const field of native) {
        const option: Kind<unknown> & { fallback?: unknown } = options[field.name]!
        // What has a default is filled in before the addon sees it.
        const mayBeMissing = 'fallback' in option && option.fallback === undefined
        expect(field.optional, field.name).to.equal(mayBeMissing)
        if (field.kind === 'shape') continue
        expect(nativeBounds(field), field.name).to.deep.equal(boundsOf(option.schema?.(() => undefined)))
      }
    })
  }

  describe('refuse', () => {
    const make = (spec: object, parameter: object = {}) =>
      refusal(() =>
        addon.optimizerMake(
          { kind: 'sgd', fused: true, momentum: 0, dampening: 0, nesterov: false, ...spec } as never,
          [{ name: 'own', tensor: handle('leaf'), ...parameter } as never],
        ),
      )

    it('a name that is not in the table, and say which are', () => {
      const error = make({ momentun: 1 })
      expect(error.code).to.equal('ERR_ARGUMENT')
      expect(error.message).to.equal(
        "optimizer: unknown option 'momentun': it takes fused, momentum, dampening, nesterov",
      )
      expect(make({ betas: [0, 0] }).message).to.match(/^optimizer: unknown option 'betas'/)
      expect(make({}, { lr: 1 }).message).to.match(/^parameters\[0\]: unknown option 'lr'/)
    })

    it('a number out of its range, and a value of another type, by the path to it', () => {
      expect(make({ momentum: 2 }).message).to.equal('momentum must be in 0..1, got 2')
      expect(make({ momentum: Number.NaN }).message).to.equal('momentum must be in 0..1, got NaN')
      expect(make({ fused: undefined }).message).to.match(/^fused must be true or false/)
      expect(make({}, { l1: -1 }).message).to.equal('parameters[0].l1 must be in 0..1e20, got -1')
      const adam = { ...RIGHT.optimizerMake()[0], betas: [0, 1] } as never
      expect(refusal(() => addon.optimizerMake(adam, [])).message).to.equal(
        'betas[1] must be 0 or more and under 1, got 1',
      )
    })
  })

  it('read each field once, after the getters of all', () => {
    const reads: string[] = []
    const spec = { kind: 'sgd', fused: true, momentum: 0, dampening: 0, nesterov: false }
    const watched = new Proxy(spec, {
      get(target, name) {
        reads.push(String(name))
        return target[name as keyof typeof target]
      },
    })
    addon.optimizerMake(watched as never, [{ name: 'own', tensor: handle('leaf') }])
    expect(reads).to.deep.equal(['kind', 'fused', 'momentum', 'dampening', 'nesterov'])
  })
})
