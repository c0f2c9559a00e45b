// The whole method on a network and a loop of one's own: train, look at what each layer can lose, solve thresholds
// for a budget, prune and retrain in rounds, take the dead neurons out, save. About two minutes on one core.
//   npx tsx examples/paper.ts [file to write] [epochs] [folder of MNIST]
import * as tp from 'torch-prune'
import { nn, optim, prune } from 'torch-prune'

const [file = 'small.safetensors', epochs = '10', folder] = process.argv.slice(2)
const mnist = await tp.data.mnist(folder)
const pixels = mnist.train.sampleShape.reduce((product, size) => product * size)
const net = tp.network(mnist.train.sampleShape, {
  flatten: nn.flatten(),
  fc1: nn.linear(pixels, 300),
  relu1: nn.relu(),
  fc2: nn.linear(300, 100),
  relu2: nn.relu(),
  fc3: nn.linear(100, 10),
})
const plan = { epochs: Number(epochs), batchSize: 128, schedule: optim.cosine() }
const momentum = (lr: number) => optim.sgd({ lr, momentum: 0.9, nesterov: true })
const errorOf = async (part: tp.Dataset) => `${(await tp.evaluate(net, part)).top1Error.toFixed(2)}%`

const dense = {
  ...plan,
  optimizer: momentum(0.1),
  regularization: optim.l2(5e-4),
  loss: tp.losses.crossEntropy({ labelSmoothing: 0.1 }),
}
await tp.train(net, mnist.train, dense)
console.log(`dense: validation error ${await errorOf(mnist.validation)}`)

// The dense network teaches the pruned one: an aid that the paper does without.
const distillation = { teacher: await tp.predict(net, mnist.train), temperature: 2 }
const retraining = { ...plan, optimizer: momentum(0.05), regularization: optim.l2(2e-4), distillation }
for (const share of [0.4, 0.2, 0.12, 0.08]) {
  const sensitivity = await prune.sensitivity(net, mnist.validation)
  const weights = share * sensitivity.layers.reduce((sum, layer) => sum + layer.weights, 0)
  const { criterion } = await prune.solveThresholds(net, sensitivity, { weights })
  await tp.applyCriterion(net, criterion)
  const before = await errorOf(mnist.validation)
  await tp.train(net, mnist.train, retraining)
  const kept = (await tp.keptWeights(net)).map(
    ({ name, density }) => `${name} ${(100 * density).toFixed(1)}%`,
  )
  const errors = `${before}, retrained ${await errorOf(mnist.validation)}`
  console.log(`kept of ${kept.join(', ')}: validation error ${errors}`)
}
await net.assertSealed() // every pruned weight is +0, bit for bit

const { compression } = await tp.parameterReport(net)
const { removed, certificate } = await prune.removeDeadNeurons(net, { certify: mnist.test })
const dead = removed.map(({ layer, neurons, of }) => `${neurons} of ${of} in ${layer}`).join(', ') || 'none'
console.log(`dead neurons: ${dead}; without them outputs move by ${certificate?.relativeChange ?? 0} at most`)
await net.save(file)
console.log(`${compression.toFixed(1)} times smaller, test error ${await errorOf(mnist.test)}: ${file}`)
