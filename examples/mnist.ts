// Trains LeNet-300-100, prunes it in rounds, and saves what is left.
//   npx tsx examples/mnist.ts
import { criteria, data, models, optim, prune, train } from 'torch-prune'

const mnist = await data.mnist()
const net = models.lenet300100({ seed: 0 })

const training = train(net, mnist.train, {
  epochs: 5,
  optimizer: optim.sgd({ lr: 0.1, momentum: 0.9 }),
  schedule: optim.cosine(),
  regularization: optim.l2(5e-4),
  validation: mnist.validation,
})
for await (const epoch of training) {
  console.log(
    `epoch ${epoch.epoch}: loss ${epoch.loss.toFixed(4)}, validation error ${epoch.validationError}%`,
  )
}

const rounds = prune(net, mnist, {
  // Thresholds: these factors times each layer's standard deviation. 'fc4' would not compile.
  criterion: criteria.magnitude().deviation({ fc1: 0.9, fc2: 0.8, fc3: 0.5 }),
  rounds: 3,
  retrain: { epochs: 2, optimizer: optim.sgd({ lr: 0.01, momentum: 0.9 }), regularization: optim.l2(5e-4) },
})
for await (const round of rounds) {
  console.log(
    `round ${round.round}: ${round.compression.toFixed(1)}x smaller, validation error ${round.validationError}%`,
  )
}

await net.assertSealed() // every pruned weight is +0, bit for bit
await net.save('lenet.safetensors')
