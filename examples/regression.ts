// A regression: float targets, a loss that fits them, early stopping, pruning. Run: npx tsx examples/regression.ts
import {
  criteria,
  Dataset,
  evaluate,
  losses,
  network,
  nn,
  noGrad,
  optim,
  prune,
  randn,
  scope,
  train,
} from 'torch-prune'

// 4,000 points of eight numbers, of which the first three make the target.
const samples = randn([4000, 8])
const targets = scope(() =>
  noGrad(() => {
    const [a, b, c] = [0, 1, 2].map((i) => samples.slice(1, i, i + 1)) as [
      typeof samples,
      typeof samples,
      typeof samples,
    ]
    return a.mul(b).add(c.mul(2).sin())
  }),
)
const { train: set, validation } = Dataset.from(samples, targets).split(1000)

const net = network([8], {
  fc1: nn.linear(8, 64),
  relu1: nn.relu(),
  fc2: nn.linear(64, 64),
  relu2: nn.relu(),
  fc3: nn.linear(64, 1),
})
const loss = losses.mse()
const plan = { epochs: 40, optimizer: optim.adam({ lr: 3e-3 }), loss, clipGradients: { norm: 1 } }

const { best } = await train(net, set, { ...plan, validation, earlyStopping: { patience: 5 } })
const dense = await evaluate(net, validation, { loss })
console.log(
  `dense: R2 ${dense.r2.toFixed(3)}, mean squared error ${dense.mse.toFixed(4)}, epoch ${best?.epoch}`,
)

const rounds = prune(
  net,
  { train: set, validation },
  { criterion: criteria.magnitude().global(0.1), rounds: 3, retrain: { ...plan, epochs: 15 } },
)
for await (const { compression, validation: found } of rounds) {
  if (found.kind === 'regression') {
    console.log(
      `${compression.toFixed(1)}x smaller: R2 ${found.r2.toFixed(3)}, mean squared error ${found.mse.toFixed(4)}`,
    )
  }
}
await net.assertSealed()
