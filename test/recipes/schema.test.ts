import { readFileSync, writeFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect } from 'chai'
import type { JsonSchema } from '../../lib/base/kind.js'
import { criteria } from '../../lib/prune/score/index.js'
import { layersIn } from '../../lib/prune/select/index.js'
import { parseRecipe } from '../../lib/recipes/json.js'
import { makeNetwork } from '../../lib/recipes/model.js'
import { plainRecipe } from '../../lib/recipes/plain.js'
import { defineRecipe, type Recipe } from '../../lib/recipes/recipe.js'
import { findRecipe, recipeNames } from '../../lib/recipes/registry.js'
import { recipeSchema } from '../../lib/recipes/schema.js'
import { planOf } from '../../lib/recipes/session.js'
import { temporaryFolder, torchPrune } from '../cli/command.js'
import { tinyRecipe } from '../cli/tiny.js'
import { refusal } from '../support/refusal.js'

const example = (name: string) => new URL(`../../examples/recipes/${name}`, import.meta.url)
const fields = (schema: unknown) => (schema as { readonly properties: Record<string, JsonSchema> }).properties

const select = (select: object) => ({ score: { kind: 'magnitude' }, select })

/** All that decides what a recipe computes. */
function plan(recipe: Recipe): string {
  using network = makeNetwork(recipe.model)
  return planOf(recipe, network)
}

describe('the schema of recipes', function () {
  this.timeout(120_000)
  const box = temporaryFolder()
  after(() => box.dispose())
  let schema: JsonSchema
  let fits: ReturnType<Ajv2020['compile']>
  before(async () => {
    schema = await recipeSchema()
    fits = new Ajv2020({ allErrors: true, strict: true, strictTypes: false }).compile(schema)
  })
  const expectFit = (value: unknown) => expect(fits(value), JSON.stringify(fits.errors)).to.equal(true)
  /** The fields that a value is refused for. */
  const wrongFields = (value: unknown) => {
    expect(fits(value)).to.equal(false)
    return [...new Set(fits.errors!.map(({ instancePath }) => instancePath))]
  }

  it('has types, defaults, ranges and help of the tables', () => {
    const { dense, prune } = fields(schema)
    expect(fields(dense).batchSize).to.deep.equal({
      description: 'The number of samples per step.',
      type: 'integer',
      minimum: 1,
      default: 64,
    })
    expect(fields(dense).memoryFormat).to.deep.equal({
      description:
        "Memory layout of images and of the weights of convolutions. The network keeps it; files are always contiguous. Default: the network's current layout.",
      enum: ['contiguous', 'channelsLast'],
    })
    const retrain = fields(fields(prune).retrain)
    // What retraining leaves out is as in the dense plan, so that the default of the table is none here.
    expect(retrain.batchSize).to.deep.equal({
      description: 'The number of samples per step.',
      type: 'integer',
      minimum: 1,
    })
    expect(retrain.lrFactor).to.include({ type: 'number', exclusiveMinimum: 0 })
    expect(fields(retrain.distillation)).not.to.have.property('teacher')
  })

  it('says something of every field', () => {
    const silent: string[] = []
    const look = (part: unknown, path: string): void => {
      if (typeof part !== 'object' || part === null) return
      const {
        properties = {},
        anyOf = [],
        items,
      } = part as {
        readonly properties?: Record<string, JsonSchema>
        readonly anyOf?: readonly unknown[]
        readonly items?: unknown
      }
      for (const [name, field] of Object.entries(properties)) {
        if (field.description === undefined && name !== 'kind') silent.push(`${path}/${name}`)
        look(field, `${path}/${name}`)
      }
      for (const each of anyOf) look(each, path)
      look(items, path)
    }
    // Layers are named after what they are made with.
    const { model: _, ...rest } = fields(schema)
    look({ properties: rest }, '')
    expect(silent).to.deep.equal([])
  })

  for (const name of recipeNames) {
    it(`fits ${name}, which is the same when it was printed and read`, async () => {
      const recipe = await findRecipe(name)
      const printed = JSON.parse(JSON.stringify(plainRecipe(recipe)))
      expectFit(printed)
      const read = parseRecipe(printed, name)
      expect(read).to.deep.equal(recipe)
      expect(plan(read)).to.equal(plan(recipe))
    })
  }

  it('fits the examples', async () => {
    const quick = JSON.parse(readFileSync(example('lenet-5-quick.json'), 'utf8'))
    expectFit(quick)
    expect(layersIn(parseRecipe(quick, 'quick').prune.criterion.select)).to.deep.equal([
      'conv1',
      'conv2',
      'fc1',
      'fc2',
    ])
    // In a process of its own: the module takes the built package, whose errors this one would get from then on.
    const own = example('own-network.mjs').pathname
    const { stdout } = await torchPrune(['run', own, '--print-recipe'])
    const printed = JSON.parse(stdout)
    expectFit(printed)
    expect(printed.model.layers.map(({ name }: { name: string }) => name)).to.include.members(['conv', 'fc'])
    writeFileSync(box.path('printed.json'), stdout)
    expect((await torchPrune(['run', box.path('printed.json'), '--print-recipe'])).stdout).to.equal(stdout)
  })

  it('refuses what reading refuses', () => {
    const tiny = tinyRecipe()
    expectFit(tiny)
    const { dense, prune } = tiny
    const cases: [recipe: unknown, field: string][] = [
      [{ ...tiny, seed: 1 }, ''],
      [{ ...tiny, name: '../up' }, '/name'],
      [{ ...tiny, model: 'lenet-6' }, '/model'],
      [{ ...tiny, data: 'imagenet' }, '/data'],
      [{ ...tiny, dense: { ...dense, epochs: 0 } }, '/dense/epochs'],
      [{ ...tiny, dense: { ...dense, optimizer: { kind: 'sgd', lr: 'fast' } } }, '/dense/optimizer/lr'],
      [{ ...tiny, prune: { ...prune, round: 2 } }, '/prune'],
      [{ ...tiny, prune: { ...prune, rounds: 1.5 } }, '/prune/rounds'],
      [{ ...tiny, prune: { ...prune, criterion: select({ kind: 'nm', n: 2 }) } }, '/prune/criterion/select'],
      [{ ...tiny, prune: { ...prune, criterion: select({ kind: 'most' }) } }, '/prune/criterion/select/kind'],
      [
        { ...tiny, prune: { ...prune, retrain: { epochs: 1, cacheVariants: 0 } } },
        '/prune/retrain/cacheVariants',
      ],
    ]
    for (const [recipe, field] of cases) {
      expect(wrongFields(recipe)).to.include(field)
      expect(refusal(() => parseRecipe(recipe, 'file')).code).to.equal('ERR_FILE')
    }
  })

  it('is of recipes that JSON can hold: others are not printed', () => {
    const tiny = tinyRecipe() as unknown as Recipe
    const printed = (recipe: Recipe) => refusal(() => plainRecipe(recipe)).message
    expect(printed({ ...tiny, data: async () => ({}) as never })).to.match(
      /the recipe's data is of a program/,
    )
    const retrain = { ...tiny.prune.retrain, cacheMemory: Number.POSITIVE_INFINITY }
    expect(printed({ ...tiny, prune: { ...tiny.prune, retrain } })).to.match(
      /prune\.retrain\.cacheMemory is of/,
    )
    const criterion = criteria.scores(({ weight }) => weight).global(0.1)
    expect(printed(defineRecipe({ ...tiny, prune: { ...tiny.prune, criterion } }))).to.match(
      /prune\.criterion\.score\.scores is of a program/,
    )
  })
})
