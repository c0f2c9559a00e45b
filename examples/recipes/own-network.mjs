// A recipe as a module: a network of one's own, pruned by quality.
//   torch-prune run examples/recipes/own-network.mjs
import { criteria, defineRecipe, network, nn, optim } from 'torch-prune'

export default defineRecipe({
  name: 'own-network',
  model: (options) =>
    network(
      [1, 28, 28],
      {
        conv: nn.conv2d(1, 8, 5, { stride: 2 }),
        relu: nn.relu(),
        flatten: nn.flatten(),
        fc: nn.linear(8 * 12 * 12, 10),
      },
      options,
    ),
  data: 'mnist',
  dense: { epochs: 4, batchSize: 64, optimizer: optim.adam({ lr: 0.002 }), schedule: optim.cosine() },
  prune: {
    criterion: criteria.magnitude().deviation({ conv: 0.5, fc: 1.2 }),
    rounds: 2,
    retrain: { epochs: 2, lrFactor: 0.5, distillation: { temperature: 2 } },
  },
})
