// Compiled by `npm run types`, never run: what the compiler must accept, and, under @ts-expect-error, refuse.
import {
  type AnyNetwork,
  applyCriterion,
  criteria,
  type Dataset,
  loadNetwork,
  models,
  type Network,
  network,
  nn,
  optim,
  prune,
  train,
} from '../../lib/index.js'

declare const data: Dataset
const splits = { train: data, validation: data }
const retrain = { epochs: 1, optimizer: optim.sgd({ lr: 0.1 }) }

/** A residual network of a user's own. */
const residual = network([3, 32, 32], {
  conv1: nn.conv2d(3, 16, 3, { padding: 1, bias: false }),
  bn1: nn.batchNorm2d(16),
  relu1: nn.relu(),
  ...nn.prefix('layer1.0', {
    conv1: nn.conv2d(16, 16, 3, { padding: 1, bias: false }),
    bn1: nn.batchNorm2d(16),
    relu1: nn.relu(),
    conv2: nn.conv2d(16, 16, 3, { padding: 1, bias: false }),
    bn2: nn.batchNorm2d(16),
  }),
  add1: nn.add('layer1.0.bn2', 'relu1'),
  relu2: nn.relu(),
  'down.conv': nn.conv2d(16, 32, 1, { stride: 2, from: 'relu2' }),
  drop: nn.dropout(0.3),
  pool: nn.adaptiveAvgPool2d(1),
  flatten: nn.flatten(),
  fc: nn.linear(32, 10),
})

residual.freeze('conv1', 'layer1.0.conv1', 'relu1', 'add1')
residual.unfreeze()
residual.tensor('layer1.0.bn1.running_mean')
residual.tensor('down.conv.weight')
residual.mask('layer1.0.conv2')
residual.setDropout('drop', 0.1)
prune(residual, splits, {
  criterion: criteria.magnitude().density({ 'layer1.0.conv1': 0.5, fc: 0.2 }),
  retrain,
})
prune(residual, splits, { criterion: criteria.magnitude().deviation(1), retrain })
prune(residual, splits, { criterion: criteria.magnitude().global(0.1, { layers: 'conv' }), retrain })
prune(residual, splits, { criterion: criteria.fisher().global(0.1, { layers: ['fc'] }), retrain })
// @ts-expect-error neither a layer nor a kind of layers
prune(residual, splits, { criterion: criteria.magnitude().global(0.1, { layers: ['conv'] }), retrain })
train(residual, data, { ...retrain, checkpoint: { path: 'position.safetensors', minutes: 10 } })
models.vgg16({ size: 64, hidden: 256, classes: 10 })
prune(residual, splits, { criterion: criteria.magnitude().density(0.5), retrain })
prune(residual, splits, {
  criterion: criteria.magnitude().global(0.1, { normalize: 'initial', layers: ['fc'] }),
  retrain,
})
prune.splice(residual, splits, { ...retrain, criterion: criteria.magnitude().density({ fc: 0.2 }) })
residual.splice('fc')
train(residual, data, retrain)
optim.Optimizer.of(residual, optim.sgd({ lr: 0.1 }))
const anyNetwork: AnyNetwork = residual
train(anyNetwork, data, retrain)

// @ts-expect-error there is no layer fc9
residual.freeze('fc9')
// @ts-expect-error there is no layer fc9
residual.mask('fc9')
// @ts-expect-error relu has no weights to mask
residual.mask('relu1')
// @ts-expect-error nor has batch norm any to prune
residual.setMask('bn1', undefined)
// @ts-expect-error not a dropout layer
residual.setDropout('fc', 0.1)
// @ts-expect-error there is no such parameter
residual.tensor('fc9.weight')
// @ts-expect-error relu has no weight
residual.tensor('relu1.weight')
// @ts-expect-error a linear layer has no statistics
residual.tensor('fc.running_mean')
// @ts-expect-error the prefix belongs to the name
residual.tensor('conv2.weight')
// @ts-expect-error there is no layer fc9
prune(residual, splits, { criterion: criteria.magnitude().deviation({ fc9: 1.4 }), retrain })
// @ts-expect-error there is no layer fc9
applyCriterion(residual, criteria.magnitude().deviation({ fc9: 1.4 }))
// @ts-expect-error relu has nothing to prune
applyCriterion(residual, criteria.magnitude().density({ fc: 0.5, relu1: 0.5 }))
// @ts-expect-error there is no layer fc9
applyCriterion(residual, criteria.filterNorm().filters({ fc9: 0.5 }))
// @ts-expect-error there is no layer fc9
applyCriterion(residual, criteria.fisher().global(0.5, { layers: ['fc', 'fc9'] }))
// @ts-expect-error there is no layer fc9
applyCriterion(residual, criteria.magnitude().deviation(1), { only: ['fc9'] })
applyCriterion(residual, criteria.magnitude().deviation({ fc: 1.4 }), { only: ['fc'] })
applyCriterion(residual, criteria.magnitude().deviation(1))
// @ts-expect-error a quality is a number
applyCriterion(residual, criteria.magnitude().deviation({ fc: '1' }))
// @ts-expect-error there is no layer fc9
prune.spliceOnce(residual, criteria.magnitude().density({ fc9: 0.5 }))
prune.spliceOnce(residual, criteria.magnitude().density({ fc: 0.5 }))
// @ts-expect-error there is no layer fc9
prune.sensitivity(residual, data, { layers: ['fc9'] })
export async function studied(): Promise<void> {
  const study = await prune.sensitivity(residual, data, { layers: ['fc', 'conv1'] })
  const { criterion, densities } = await prune.solveThresholds(residual, study, { weights: 1000 })
  await applyCriterion(residual, criterion)
  void densities.fc
  // @ts-expect-error there is no layer fc9
  void densities.fc9
  // @ts-expect-error a study of another network
  await prune.solveThresholds(models.lenet300100(), study, { weights: 1000 })
  // @ts-expect-error and what came of one
  await applyCriterion(models.lenet300100(), criterion)
}
/** A criterion that is kept in a variable carries the names that it was given. */
const carried = criteria.magnitude().deviation({ fc: 1.4, 'layer1.0.conv1': 1 })
applyCriterion(residual, carried)
// @ts-expect-error LeNet-300-100 has no such layers
applyCriterion(models.lenet300100(), carried)
const all = criteria.magnitude().global(0.5)
applyCriterion(residual, all)
applyCriterion(models.lenet300100(), all)
// @ts-expect-error one name right, one wrong
prune(residual, splits, { criterion: criteria.magnitude().deviation({ fc: 1.4, conv9: 1 }), retrain })
// @ts-expect-error relu has nothing to prune
prune(residual, splits, { criterion: criteria.magnitude().density({ relu1: 0.5 }), retrain })
// @ts-expect-error batch norm is not pruned
prune(residual, splits, { criterion: criteria.magnitude().deviation({ bn1: 0.5 }), retrain })
// @ts-expect-error a global density over a layer that is not there
prune(residual, splits, { criterion: criteria.magnitude().global(0.1, { layers: ['fc9'] }), retrain })
// @ts-expect-error no such deviation
criteria.magnitude().deviation(1, { of: 'first' })
// @ts-expect-error no such phase
prune(residual, splits, { criterion: criteria.magnitude().deviation(1), retrain, phases: ['pool'] })
// @ts-expect-error splicing aims at layers that are there
prune.splice(residual, splits, { ...retrain, criterion: criteria.magnitude().density({ fc9: 0.5 }) })
// @ts-expect-error splicing aims at a density
prune.splice(residual, splits, { ...retrain, criterion: criteria.magnitude().deviation(1) })
// @ts-expect-error retraining has epochs
prune(residual, splits, { criterion: criteria.magnitude().deviation(1), retrain: {} })

// @ts-expect-error relu has no weight to splice
residual.splice('relu1')

const lenet = models.lenet300100()
lenet.tensor('fc3.bias')
prune(lenet, splits, { criterion: criteria.magnitude().deviation({ fc1: 1.4, fc2: 1.3, fc3: 0.8 }), retrain })
// @ts-expect-error LeNet-300-100 has no fourth layer
prune(lenet, splits, { criterion: criteria.magnitude().deviation({ fc1: 1.4, fc4: 0.8 }), retrain })
// @ts-expect-error LeNet-300-100 has no convolution
lenet.mask('conv1')

// The names of deep models, of which blocks are made by functions.
const resnet = models.resnet50ImageNet({ classes: 10 })
resnet.mask('layer2.0.downsample.0')
resnet.tensor('layer4.2.bn3.running_var')
// @ts-expect-error only the first block of a stage has a projection
resnet.mask('layer2.1.downsample.0')
// @ts-expect-error there is no dropout to set the rate of
models.resnet18({ dropout: 0.5 })
models.vgg16bn({ dropout: 0.3 }).setDropout('classifier.2', 0.1)
models.wrn40x2().mask('block3.layer.5.conv2')
models.mobilenetV2().mask('features.16.conv.1.0')
models.mobilenetV1ImageNet().tensor('layers.12.bn2.running_var')
// @ts-expect-error the first block expands nothing
models.mobilenetV2().mask('features.1.conv.1.0')

/** What names derive from is what each kind of layer says of itself. */
const varied = network([2, 8, 8], {
  depth: nn.conv2d(2, 2, 3, { groups: 2 }),
  norm: nn.groupNorm(1, 2),
  open: nn.sigmoid({ from: 'depth' }),
  product: nn.mul('norm', 'open'),
  up: nn.convTranspose2d(2, 3, 2, { stride: 2 }),
  both: nn.concat('up', 'up'),
  gelu: nn.gelu({ approximate: 'tanh' }),
  layer: nn.layerNorm([6, 12, 12]),
})
varied.mask('up')
varied.tensor('norm.bias')
varied.tensor('layer.weight')
// @ts-expect-error a normalization over groups has no statistics
varied.tensor('norm.running_mean')
// @ts-expect-error a product has no weights
varied.tensor('product.weight')
// @ts-expect-error nor has a normalization any to prune
varied.mask('layer')
// @ts-expect-error there is no layer named down
network([2], { a: nn.linear(2, 2), b: nn.mul('a', 'down') })
// @ts-expect-error the first stage of WRN-40-1 does not widen
models.wrn40x1().mask('block1.layer.0.convShortcut')

// Where a layer reads from.
network([4], { a: nn.linear(4, 4), b: nn.relu({ from: 'input' }), c: nn.add('a', 'b') })
// @ts-expect-error reads from a layer that is not there
network([4], { a: nn.linear(4, 4), b: nn.relu({ from: 'c' }) })
// @ts-expect-error adds a layer that is not there
network([4], { a: nn.linear(4, 4), b: nn.relu(), c: nn.add('a', 'd') })
// @ts-expect-error a sum has two terms or more
nn.add('a')
// @ts-expect-error a group reads from what is in it, or the input
nn.prefix('group', { a: nn.relu({ from: 'outside' }) })
// @ts-expect-error a layer is not a number
network([4], { a: 3 })
// @ts-expect-error misspelt
nn.linear(4, 4, { biass: false })
// @ts-expect-error misspelt
nn.conv2d(1, 1, 3, { strides: 2 })
// @ts-expect-error misspelt
network([4], { a: nn.relu() }, { sead: 1 })

// Networks built at run time have names of type string.
const layers: Record<string, nn.Layer> = {}
for (let i = 0; i < 4; i++) layers[`fc${i}`] = nn.linear(4, 4)
const built = network([4], layers)
built.freeze('fc0', 'whatever')
built.mask('fc9')
const name: string = built.prunable[0]!
built.tensor(`${name}.weight`)
for (const each of built.tensorNames()) built.tensor(each)
prune(built, splits, { criterion: criteria.magnitude().deviation({ fc0: 1 }), retrain })
prune(built, splits, { criterion: criteria.magnitude().density(Object.fromEntries([[name, 0.5]])), retrain })
const either: number | Record<string, number> = Math.random() > 0.5 ? 1 : { fc0: 1 }
prune(built, splits, { criterion: criteria.magnitude().deviation(either), retrain })
// @ts-expect-error what may name any layer does not fit names that are known
prune(lenet, splits, { criterion: criteria.magnitude().deviation(either as Record<string, number>), retrain })
export async function loaded(): Promise<Network> {
  const net = await loadNetwork('net.safetensors')
  await applyCriterion(net, criteria.magnitude().density({ fc: 0.5 }))
  net.tensor('fc.weight')
  return net
}
