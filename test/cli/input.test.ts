import { createHash } from 'node:crypto'
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { expectRefused, temporaryFolder } from './command.js'
import { idx, tinyRecipe, writeTinyMnist } from './tiny.js'

/** Every file below a folder, with its contents' digest. */
function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true })
  return Object.fromEntries(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name)
      const digest = entry.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : 'folder'
      return [path, digest]
    }),
  )
}

/** A safetensors file with this header, and this many bytes of data. */
function safetensors(header: unknown, dataBytes = 0, claimed?: bigint): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(claimed ?? BigInt(json.length))
  return Buffer.concat([length, json, Buffer.alloc(dataBytes)])
}

/** A criterion as a recipe holds it. */
const criterion = (select: object) => ({ score: { kind: 'magnitude' }, select })

const f32 = (shape: unknown, begin: number, end: number) => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
})

describe('torch-prune, given bad input,', function () {
  this.timeout(60_000)
  const box = temporaryFolder()
  const data = box.path('mnist')
  const recipe = box.path('tiny.json')
  const out = box.path('out')

  /** Expects a one-line refusal that leaves every file as it was. */
  const refused = async (args: readonly string[], message: RegExp) => {
    const files = contents(box.path())
    await expectRefused(args, message)
    expect(contents(box.path())).to.deep.equal(files)
  }
  const run = (...more: string[]) => ['run', recipe, '--data', data, '--out', out, ...more]
  const write = (name: string, content: string | Uint8Array) => {
    writeFileSync(box.path(name), content)
    return box.path(name)
  }
  const variant = (change: (recipe: ReturnType<typeof tinyRecipe>) => unknown) =>
    write('variant.json', JSON.stringify(change(tinyRecipe())))

  before(() => {
    writeTinyMnist(data)
    write('tiny.json', JSON.stringify(tinyRecipe()))
  })
  after(() => box.dispose())

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

  describe('refuses an option', () => {
    it('that is out of range, saying the range', async () => {
      const cases: [string[], RegExp][] = [
        [run('--seed', '-1'), /--seed takes a whole number of 0 or more, got '-1'/],
        [run('--seed', '9007199254740992'), /--seed takes a whole number/],
        [run('--seed', '0x10'), /--seed takes a whole number/],
        [run('--threads', '0'), /--threads takes a whole number of 1 to 1024, got '0'/],
        [run('--device', 'gpu'), /--device takes cpu, cuda, cuda:N or best, got 'gpu'/],
        [run('--memory-format', 'nhwc'), /--memory-format takes contiguous or channels-last, got 'nhwc'/],
        [run('--autocast', 'float16'), /--autocast takes bfloat16 or none, got 'float16'/],
        [['train', recipe, '--epochs', '1.5'], /--epochs takes a whole number of 1 or more, got '1\.5'/],
        [['train', recipe, '--lr', '-1'], /--lr takes a number in 0\.\.1e20, got '-1'/],
        [['train', recipe, '--lr', ''], /--lr takes a number in 0\.\.1e20, got ''/],
        [['train', recipe, '--momentum', '1.1'], /--momentum takes a number in 0\.\.1, got '1\.1'/],
        [['prune', recipe, '--weights', 'w', '--density', '1.01'], /--density takes a number in 0\.\.1/],
        [['prune', recipe, '--weights', 'w', '--density', 'fc1=-0.1'], /--density takes a number in 0\.\.1/],
        [
          ['prune', recipe, '--weights', 'w', '--quality', 'fc1=1,fc2'],
          /--quality takes a layer and a number/,
        ],
        [
          ['prune', recipe, '--weights', 'w', '--quality', 'fc1=1,fc2=1,fc1=2'],
          /--quality takes one number for fc1, got 'fc1=1,fc2=1,fc1=2'/,
        ],
        [
          ['quantize', 'w', '--out', 'q', '--bits', 'fc1=0.5'],
          /--bits takes a whole number in 0\.\.14, for all layers or by layer as in fc1=…,fc2=…, got '0\.5'/,
        ],
        [
          ['prune', recipe, '--weights', 'w', '--phases', 'fc,pool'],
          /--phases takes a list of all, conv, fc, got 'pool'/,
        ],
      ]
      for (const [args, message] of cases) await refused(args, message)
    })

    it('or command that it does not know, or lacks, naming the help', async () => {
      const cases: [string[], RegExp][] = [
        [run('--sede', '1'), /unknown option '--sede' \(Did you mean --seed\?\): see torch-prune run --help/],
        [['run'], /missing required argument 'recipe': see torch-prune run --help/],
        [['prune', recipe], /required option '--weights <file>' not specified/],
        [
          ['prune', recipe, '--weights', 'w', '--density', '0.1', '--quality', '1'],
          /'--density <d>' cannot be used with option '--quality <q>'/,
        ],
        [
          ['runn', 'lenet-5'],
          /there is no command 'runn' \(did you mean run\?\): use one of run, train, prune, sensitivity, tradeoff, shrink, quantize, export, import, pack, inspect, schema, report, doctor, fetch-libtorch/,
        ],
        [['--resume'], /unknown option '--resume': see torch-prune --help/],
        [
          ['help', 'tradeof'],
          /there is no command 'tradeof' \(did you mean tradeoff\?\): use one of run, train/,
        ],
        [['fetch-libtorch', '--cpu', '--cuda'], /cannot be used with/],
      ]
      for (const [args, message] of cases) await refused(args, message)
    })

    it('--device cuda where there is none', async function () {
      const { cuda } = await import('../../lib/tensor/index.js')
      if (cuda.isAvailable()) this.skip()
      await refused(run('--device', 'cuda'), /there is no device 'cuda'/)
      await refused(run('--device', 'cuda:7'), /there is no device 'cuda:7'/)
    })

    it('--out that cannot be written', async () => {
      const file = write('file', 'mine')
      await refused(
        run('--out', file),
        /file: cannot be written, a part of the path is a file; choose another place/,
      )
      await refused(run('--out', join(file, 'below')), /cannot be written, a part of the path is a file/)
      await refused(run('--out', '/dev/null/run'), /\/dev\/null\/run: cannot be written/)
      await refused(run('--out', '/sys/torch-prune'), /\/sys\/torch-prune: /)
    })
  })

  describe('refuses a data folder', () => {
    const images = 'train-images-idx3-ubyte'
    const folder = box.path('damaged')
    const damaged = (name: string, change: (bytes: Buffer) => Uint8Array | undefined) => {
      rmSync(folder, { recursive: true, force: true })
      cpSync(data, folder, { recursive: true })
      const bytes = change(readFileSync(join(folder, name)))
      if (bytes === undefined) rmSync(join(folder, name))
      else writeFileSync(join(folder, name), bytes)
      return run('--data', folder)
    }

    it('that is not there or lacks a file, saying which', async () => {
      await refused(
        run('--data', box.path('nowhere')),
        /nowhere: has no train-images-idx3-ubyte; it should hold/,
      )
      await refused(
        damaged('t10k-labels-idx1-ubyte', () => undefined),
        /damaged: has no t10k-labels-idx1-ubyte/,
      )
    })

    it('with a file that is truncated, oversized or of another magic', async () => {
      await refused(
        damaged(images, (bytes) => bytes.subarray(0, -1)),
        /images-idx3-ubyte: .*; fetch it again/,
      )
      await refused(
        damaged(images, (bytes) => bytes.subarray(0, 7)),
        /images-idx3-ubyte: .*header; fetch it again/,
      )
      await refused(
        damaged(images, (bytes) => Buffer.concat([bytes, bytes])),
        /images-idx3-ubyte: .*; fetch it again/,
      )
      await refused(
        damaged(images, () => idx([400, 8, 8], new Uint8Array(25_600), 0x12340803)),
        /begins with 0x12340803, not with 0x00000803; is it an IDX file\?/,
      )
      await refused(
        damaged(images, () => idx([2 ** 31, 2 ** 31, 2 ** 31], new Uint8Array(16))),
        /train-images-idx3-ubyte: /,
      )
    })

    it('too small for the validation part', async () => {
      const big = variant((it) => ({ ...it, data: { kind: 'mnist', validation: 400 } }))
      await refused(run().with(1, big), /a validation part of 400 of 400 samples: use 1 to 399/)
    })
  })

  describe('refuses a safetensors file', () => {
    const lies: [string, () => Buffer, RegExp][] = [
      ['that is cut short', () => Buffer.alloc(4), /has 4 bytes, too few/],
      [
        'with a header longer than the file',
        () => safetensors('{}', 0, 1000n),
        /claims a header of 1000 bytes/,
      ],
      [
        'with a header of 2^60 bytes',
        () => safetensors('{}', 0, 2n ** 60n),
        /claims a header of 1152921504606846976/,
      ],
      ['whose header is not JSON', () => safetensors('{"a":'), /header that is not JSON/],
      [
        'with offsets beyond its end',
        () => safetensors({ a: f32([2], 0, 8) }, 4),
        /ends 4 bytes after the file/,
      ],
      [
        'whose tensors overlap',
        () => safetensors({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12),
        /tensor "b" overlaps the one before it/,
      ],
      [
        'of an unknown dtype',
        () => safetensors({ a: { ...f32([1], 0, 4), dtype: 'F31' } }, 4),
        /"F31" as its dtype/,
      ],
      ['of 2^60 elements', () => safetensors({ a: f32([2 ** 60], 0, 4) }, 4), /shape/],
      ['with a shape of another size', () => safetensors({ a: f32([3], 0, 8) }, 8), /needs 12 bytes/],
    ]
    for (const [what, file, message] of lies) {
      it(what, async () => {
        const path = write('lying.safetensors', file())
        await refused(['inspect', path], message)
        await refused(['prune', recipe, '--weights', path, '--data', data, '--out', out], message)
      })
    }

    it('that is missing, a folder, or of another network', async () => {
      const weights = (path: string) => ['prune', recipe, '--weights', path, '--data', data, '--out', out]
      await refused(
        ['inspect', box.path('none.safetensors')],
        /none\.safetensors: does not exist; check the path/,
      )
      await refused(
        weights(box.path('none.safetensors')),
        /none\.safetensors: does not exist; check the path/,
      )
      await refused(weights(data), /mnist: is a folder/)
      await refused(['inspect', data], /run\.json: does not exist; give the folder of a finished run/)
      const foreign = write('foreign.safetensors', safetensors({ a: f32([1], 0, 4) }, 4))
      await refused(weights(foreign), /tensors "fc1\.weight", .* are missing, tensor "a" belongs to no layer/)
    })

    it('with a layer graph that is wrong', async () => {
      const metadata = { __metadata__: { 'torch-prune.graph': '{"input":[1],"layers":[{"name":"a"}]}' } }
      const path = write('graph.safetensors', safetensors({ ...metadata, a: f32([1], 0, 4) }, 4))
      await refused(['inspect', path], /its layer graph is wrong at layers\.0\.layer/)
    })
  })
})
