import { badInput } from './bad_input.js'
import { tinyRecipe } from './tiny.js'

/** A criterion as a recipe holds it. */
const criterion = (select: object) => ({ score: { kind: 'magnitude' }, select })

describe('torch-prune, given bad input,', function () {
  this.timeout(60_000)
  const { box, data, recipe, out, refused, run, write, variant } = badInput()

  describe('refuses a recipe', () => {
    it('that it does not know, naming the nearest', async () => {
      await refused(
        ['run', 'lenet-30-100', '--out', out],
        /there is no recipe 'lenet-30-100' \(did you mean lenet-300-100\?\): use one of alexnet, .*wrn-40-2, or give a path/,
      )
      await refused(['train', 'lenet', '--out', out], /there is no model 'lenet' \(did you mean lenet-5\?\)/)
    })

    it('file that is missing, not JSON, or no module', async () => {
      await refused(['run', box.path('none.json')], /none\.json: does not exist; check the path/)
      await refused(['run', write('bad.json', '{"name":')], /bad\.json: is not JSON \(.*\); correct it/)
      await refused(
        ['run', write('bad.mjs', 'export default {')],
        /bad\.mjs: cannot be loaded \(SyntaxError: .*\)/,
      )
      await refused(['run', write('empty.mjs', 'export const a = 1')], /empty\.mjs: has no default export/)
      await refused(
        ['run', write('other.mjs', 'export default {}')],
        /other\.mjs: name: expected letters, .*, and it is missing; model: expected the name of a model/,
      )
    })

    it('with a field that is unknown, missing or out of range', async () => {
      const cases: [(recipe: ReturnType<typeof tinyRecipe>) => unknown, RegExp][] = [
        [
          (it) => ({ ...it, prune: { ...it.prune, round: 2 } }),
          /variant\.json: prune: unknown option 'round': did you mean rounds\?/,
        ],
        [
          (it) => ({ ...it, dense: { ...it.dense, epochs: 0 } }),
          /dense\.epochs: expected a whole number of 1 or more, got 0/,
        ],
        [(it) => ({ ...it, name: '../up' }), /name: expected letters/],
        [
          (it) => ({ ...it, prune: { ...it.prune, criterion: criterion({ kind: 'global', density: 1.5 }) } }),
          /prune\.criterion\.select\.density: expected a number in 0\.\.1 \(the share that is kept\), got 1\.5/,
        ],
        [
          (it) => ({ ...it, dense: { ...it.dense, optimizer: { kind: 'sgd', lr: -1 } } }),
          /dense\.optimizer\.lr: expected a number in 0\.\.1e20, got -1$/m,
        ],
      ]
      for (const [change, message] of cases) await refused(run().with(1, variant(change)), message)
    })

    it('that names a layer or model which is not there', async () => {
      const unknown = criterion({ kind: 'density', density: { fc9: 0.1 } })
      const layer = variant((it) => ({ ...it, prune: { ...it.prune, criterion: unknown } }))
      await refused(
        run().with(1, layer),
        /layer 'fc9' is not in the network \(did you mean fc2\?\): it has fc1, fc2/,
      )
      const model = variant((it) => ({ ...it, model: 'lenet-6' }))
      await refused(run().with(1, model), /there is no model 'lenet-6'/)
      const phases = variant((it) => ({ ...it, prune: { ...it.prune, phases: ['conv'] } }))
      await refused(run().with(1, phases), /phase 'conv' has nothing to train in this network: use all, fc/)
    })

    it('whose data or model is of no kind, or does not take an option', async () => {
      const data = (value: unknown) =>
        run().with(
          1,
          variant((it) => ({ ...it, data: value })),
        )
      await refused(data('cifar100'), /data: expected 'mnist', 'cifar10' or 'images', or .*, got "cifar100"/)
      await refused(data({ kind: 'images', sizes: 3 }), /data: unknown option 'sizes': did you mean size\?/)
      const model = (value: unknown) =>
        run().with(
          1,
          variant((it) => ({ ...it, model: value })),
        )
      await refused(
        model({ name: 'lenet-5', size: 32 }),
        /lenet-5: unknown option 'size': it takes seed, device and classes/,
      )
    })

    it('whose data are not named, or of another kind', async () => {
      await refused(
        ['run', 'wrn-16-2', '--out', out],
        /needs CIFAR-10 from you: name the folder .* with --data/,
      )
      await refused(
        ['run', 'wrn-16-2', '--data', data, '--out', out],
        /mnist: does not hold CIFAR-10; it should/,
      )
      await refused(['run', 'alexnet', '--data', data, '--out', out], /mnist: has no train\/ beside val\//)
      await refused(
        ['run', 'alexnet', '--data', recipe, '--out', out],
        /does not hold packed images; make them/,
      )
    })

    it('whose layers do not fit each other, or the data', async () => {
      const [flatten, fc1, ...rest] = tinyRecipe().model.layers
      const wide = { ...fc1!, layer: { ...fc1!.layer, inFeatures: 100 } }
      const graph = variant((it) => ({ ...it, model: { ...it.model, layers: [flatten, wide, ...rest] } }))
      await refused(run().with(1, graph), /layer 'fc1' \(linear\) expects \[100\], got \[64\]/)
      const kind = { name: 'fc1', layer: { kind: 'lstm' } }
      const unknown = variant((it) => ({ ...it, model: { ...it.model, layers: [kind] } }))
      await refused(
        run().with(1, unknown),
        /model\.layers\[0\]\.layer\.kind: expected .*"linear".*, got "lstm"/,
      )
      await refused(run().with(1, 'lenet-5'), /validation part of 5000|takes samples of shape \[1, 28, 28\]/)
    })
  })
})
