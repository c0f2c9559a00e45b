// A residual network of one's own, its names known to the compiler.
//   npx tsx examples/residual.ts
import {
  adaptiveAvgPool2d,
  add,
  applyCriterion,
  batchNorm2d,
  conv2d,
  flatten,
  keptWeights,
  linear,
  network,
  prefix,
  prune,
  relu,
} from 'torch-prune'

const net = network([3, 32, 32], {
  conv1: conv2d(3, 16, 3, { padding: 1, bias: false }),
  bn1: batchNorm2d(16),
  relu1: relu(),
  ...prefix('layer1.0', {
    conv1: conv2d(16, 16, 3, { padding: 1, bias: false }),
    bn1: batchNorm2d(16),
    relu1: relu(),
    conv2: conv2d(16, 16, 3, { padding: 1, bias: false }),
    bn2: batchNorm2d(16),
  }),
  sum: add('layer1.0.bn2', 'relu1'),
  relu2: relu(),
  pool: adaptiveAvgPool2d(1),
  flatten: flatten(),
  fc: linear(16, 10),
})

await applyCriterion(net, prune.layerDensity({ 'layer1.0.conv1': 0.3, 'layer1.0.conv2': 0.3 }))
for (const { name, kept, weights } of await keptWeights(net)) console.log(`${name}: ${kept} of ${weights}`)
