// A residual network of one's own, its names known to the compiler.
//   npx tsx examples/residual.ts
import { applyCriterion, criteria, keptWeights, network, nn } from 'torch-prune'

const net = network([3, 32, 32], {
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
  sum: nn.add('layer1.0.bn2', 'relu1'),
  relu2: nn.relu(),
  pool: nn.adaptiveAvgPool2d(1),
  flatten: nn.flatten(),
  fc: nn.linear(16, 10),
})

await applyCriterion(net, criteria.magnitude().density({ 'layer1.0.conv1': 0.3, 'layer1.0.conv2': 0.3 }))
for (const { name, kept, weights } of await keptWeights(net)) console.log(`${name}: ${kept} of ${weights}`)
