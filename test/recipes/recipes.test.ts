import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import sharp from 'sharp'
import { CIFAR10_CLASSES } from '../../lib/data/cifar10.js'
import { packImages } from '../../lib/data/packed.js'
import { modelNames } from '../../lib/models/index.js'
import { sgd } from '../../lib/optim/spec.js'
import { layersOf } from '../../lib/prune/criterion.js'
import { checkPruning } from '../../lib/prune/prune.js'
import { readData } from '../../lib/recipes/data.js'
import { parseRecipe } from '../../lib/recipes/json.js'
import { makeNetwork } from '../../lib/recipes/model.js'
import { defineRecipe, type Recipe, type RetrainPlan, retrainingOf } from '../../lib/recipes/recipe.js'
import { findRecipe, recipeNames } from '../../lib/recipes/registry.js'
import { type Loss, losses } from '../../lib/train/losses.js'
import { writePictures } from '../../scripts/imagenet/pictures.js'
import { tinyRecipe } from '../cli/tiny.js'
import { laterRefusal, refusal } from '../support/refusal.js'

const box = mkdtempSync(join(tmpdir(), 'torch-prune-recipes-'))
after(() => rmSync(box, { recursive: true, force: true }))

describe('the recipes', function () {
  this.timeout(120_000)

  it('hold one for each model, under its name', async () => {
    expect(recipeNames).to.include.members(modelNames.filter((name) => !name.endsWith('-dropout')))
    for (const name of recipeNames) expect((await findRecipe(name)).name).to.equal(name)
  })

  it('that are no JSON are refused in one line, whatever stands in them', async () => {
    const path = join(box, 'broken.json')
    writeFileSync(path, '{"name":\r\n\u001b"x')
    expect((await laterRefusal(findRecipe(path))).message).to.match(
      /broken\.json: is not JSON \(.*\); correct it$/,
    )
  })

  it('are refused with all that is wrong in them, on one line', () => {
    const wrong = {
      name: 'a folder/',
      model: 'lenet-50',
      data: 'imagenet',
      dense: { epochs: 0, optimiser: sgd({ lr: 0.1 }), memoryFormat: 'nhwc' },
      prune: {
        criterion: {
          score: { kind: 'magnitude' },
          select: { kind: 'deviation', quality: { fc1: -1, fc2: 1, fc3: '2' } },
        },
        rounds: 1.5,
        retrain: { epochs: 1, lrFactor: 0 },
      },
      tables: {},
    }
    const { code, message } = refusal(() => defineRecipe(wrong as never))
    expect(code).to.equal('ERR_ARGUMENT')
    expect(message).not.to.include('\n')
    const parts = message.split('; ')
    const expected = [
      /^defineRecipe: recipe: unknown option 'tables': it takes name, model, data, dense, prune, quantize, code and paper$/,
      /^recipe\.name must be letters, .* got 'a folder\/'$/,
      /^recipe\.model: there is no model 'lenet-50': did you mean lenet-5\?$/,
      /^recipe\.data must be 'mnist', 'cifar10' or 'images', or \{ kind: .*, got 'imagenet'$/,
      /^recipe\.dense: unknown option 'optimiser': did you mean optimizer\?$/,
      /^recipe\.dense\.epochs must be a whole number of 1 or more, got 0$/,
      /^recipe\.dense\.optimizer is missing: it must be what .* returns$/,
      /^recipe\.dense\.memoryFormat must be 'contiguous' or 'channelsLast', got 'nhwc'$/,
      /^recipe\.prune\.criterion\.select\.quality\.fc1 must be .*, got -1$/,
    ]
    for (const [i, one] of expected.entries()) expect(parts[i]).to.match(one)
    expect(parts.slice(expected.length)).to.deep.equal(['and 3 more'])
  })

  it('in JSON are refused with all that is wrong in them, on one line', () => {
    const { dense, prune, data: _, ...plain } = tinyRecipe()
    const wrong = {
      ...plain,
      dense: {
        ...dense,
        epochs: 0,
        optimizer: { kind: 'sgd', lr: 'fast', momentun: 0.9 },
        schedule: { kind: 'cosinus' },
        loss: { kind: 'crossEntropy', labelSmoothing: 2 },
      },
      prune: { ...prune, phases: 'all', retrain: {} },
    }
    const { code, message } = refusal(() => parseRecipe(wrong, 'tiny.json'))
    expect(code).to.equal('ERR_FILE')
    expect(message).not.to.include('\n')
    expect(message.split('; ')).to.deep.equal([
      `tiny.json: data: expected 'mnist', 'cifar10' or 'images', or { kind: one of them, … }, and it is missing`,
      'dense.epochs: expected a whole number of 1 or more, got 0',
      `dense.optimizer: unknown option 'momentun': did you mean momentum?`,
      'dense.optimizer.lr: expected a number in 0..1e20, got "fast"',
      'dense.schedule.kind: expected "constant", "cosine" or "step" (did you mean cosine?), got "cosinus"',
      'dense.loss.labelSmoothing: expected a number in 0..1, got 2',
      `prune.phases: expected 'alternate' or an array of 'all', 'conv' and 'fc', got "all"`,
      'prune.retrain.epochs: expected a whole number of 1 or more, and it is missing',
    ])
    const whole = refusal(() => parseRecipe([], 'list.json'))
    expect(whole.message).to.match(/^list\.json: expected an object \(name, model, .*\), got an array of 0$/)
  })

  for (const name of recipeNames) {
    it(`say what the compiler and the schema ask: ${name}`, async () => {
      const { model, data: _, ...plans } = await findRecipe(name)
      using network = makeNetwork(model)
      checkPruning(network, { ...plans.prune, retrain: retrainingOf(plans) })
      const { paper } = plans
      if (paper === undefined) return
      const costs = network.costs
      expect(paper.layers.map((layer) => layer.name)).to.deep.equal(costs.map((cost) => cost.name))
      // The tables are rounded to one or two figures, and torchvision's AlexNet has narrower convolutions.
      const least = name === 'alexnet' ? 0.5 : 0.8
      for (const [i, { weights }] of paper.layers.entries()) {
        expect(costs[i]!.weights / weights, costs[i]!.name).to.be.within(least, 1.45)
      }
      const total = (value: (i: number) => number) => costs.reduce((sum, _cost, i) => sum + value(i), 0)
      const kept = total((i) => costs[i]!.weights * paper.layers[i]!.density)
      const share = kept / total((i) => costs[i]!.weights)
      expect(1 / share).to.be.within(0.9 * paper.pruned.compression, 1.15 * paper.pruned.compression)
    })
  }

  it('take a loss of classes with its options, and say why they take no other', async () => {
    const { dense, ...recipe } = await findRecipe('lenet-300-100')
    const withLoss = (loss: Loss): Recipe => defineRecipe({ ...recipe, dense: { ...dense, loss } } as never)
    const loss = losses.crossEntropy({ weight: Array(10).fill(2), labelSmoothing: 0.1 })
    expect(withLoss(loss).dense.loss).to.deep.equal(loss)
    expect(refusal(() => withLoss(losses.mse())).message).to.equal(
      'defineRecipe: recipe.dense.loss: recipes report errors of classes, so they take losses.crossEntropy() alone, ' +
        "got 'mse': for another loss, call train() and prune()",
    )
  })

  it('prune the convolutions alone on CIFAR-10', async () => {
    const { model, prune } = await findRecipe('wrn-16-2')
    using network = makeNetwork(model)
    expect(layersOf(network, prune.criterion)).to.deep.equal(
      network.prunable.filter((layer) => layer !== 'fc'),
    )
    const { model: plain } = await findRecipe('lenet-300-100')
    using mlp = makeNetwork(plain)
    expect(() => layersOf(mlp, prune.criterion)).to.throw(/the network has no conv layers to prune/)
  })

  it('retrain as the dense network was trained, but for smaller images unless they say so', async () => {
    const { dense, prune } = await findRecipe('wrn-16-2')
    const progressiveResizing = { initialScale: 0.75 }
    const plan = retrainingOf({ dense: { ...dense, progressiveResizing }, prune })
    const { lrFactor, ...retrain } = prune.retrain
    expect(plan).to.include({ ...retrain, batchSize: dense.batchSize, augment: dense.augment })
    expect(plan.optimizer).to.deep.equal({ ...dense.optimizer, lr: dense.optimizer.lr * lrFactor! })
    expect(plan).not.to.have.property('lrFactor')
    expect(plan).not.to.have.property('progressiveResizing')
    const smaller = { ...prune.retrain, progressiveResizing }
    expect(retrainingOf({ dense, prune: { ...prune, retrain: smaller } })).to.include({ progressiveResizing })
  })

  it('take a tenth of the dense rate unless they say so, and the rate of an optimizer of their own as it is', async () => {
    const { dense, prune } = await findRecipe('wrn-16-2')
    const rate = (retrain: Partial<RetrainPlan>) =>
      retrainingOf({ dense, prune: { ...prune, retrain: { epochs: 1, ...retrain } } }).optimizer.lr
    expect(rate({})).to.equal(dense.optimizer.lr * 0.1)
    expect(rate({ lrFactor: 0.5 })).to.equal(dense.optimizer.lr * 0.5)
    expect(rate({ optimizer: sgd({ lr: 0.03 }) })).to.equal(0.03)
    expect(rate({ optimizer: sgd({ lr: 0.03 }), lrFactor: 0.5 })).to.equal(0.015)
  })

  it('for ImageNet read a folder and a packed file alike', async () => {
    const dir = join(box, 'pictures')
    const file = join(box, 'pictures.pack')
    await writePictures(dir, { classes: 2, train: 4, held: 1, side: 64 })
    await packImages(dir, file, { validation: 2 })
    for (const [name, side] of [
      ['alexnet', 224],
      ['alexnet-caffe', 227],
    ] as const) {
      const { data, model } = await findRecipe(name)
      using network = makeNetwork(model)
      const folder = await readData(data, dir)
      expect(folder.train.sampleShape).to.deep.equal(network.inputShape).and.to.deep.equal([3, side, side])
      const { train, validation, test } = await readData(data, file)
      expect([train.length, validation.length, test.length]).to.deep.equal([6, 2, 2])
      using images = await train.read([0], { augment: { crop: {}, flip: true } })
      expect(images.images.shape).to.deep.equal([1, 3, side, side])
    }
  })

  it('for CIFAR-10 read folders of classes', async () => {
    const dir = join(box, 'cifar')
    for (const part of ['train', 'test']) {
      for (const name of CIFAR10_CLASSES) {
        const folder = join(dir, part, name)
        mkdirSync(folder, { recursive: true })
        const picture = sharp({ create: { width: 32, height: 32, channels: 3, background: 'navy' } })
        await picture.toFile(join(folder, '0.png'))
      }
    }
    const { data } = await findRecipe('wrn-16-2')
    // A validation part of 5,000 is more than there is: the folder itself was understood.
    expect((await laterRefusal(readData(data, dir))).message).to.match(
      /a validation part of 5000 of 10 samples/,
    )
  })

  it('say what they need where no data is named, or the wrong one', async () => {
    const message = async (name: string, path?: string) =>
      (await laterRefusal(readData((await findRecipe(name)).data, path))).message
    expect(await message('vgg-16')).to.match(/needs images from you: name a folder .*, with \{ data \}/)
    expect(await message('resnet-18')).to.match(
      /needs CIFAR-10 from you: name the folder .*, with \{ data \}/,
    )
    expect(await message('vgg-16', box)).to.match(/has no train\/ beside val\/ or test\//)
    expect(await message('resnet-18', join(box, 'none'))).to.match(/none: does not exist; it should hold/)
  })
})
