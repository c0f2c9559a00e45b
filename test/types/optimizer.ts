// Compiled by `npm run types`, never run.
import { type Dataset, evaluate, models, optim, train } from '../../lib/index.js'

declare const data: Dataset
const net = models.lenet5({ seed: 0, device: 'cpu' })

optim.sgd({ lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 5e-4 })
optim.adam()
optim.adamw({ betas: [0.9, 0.99], amsgrad: true })
// @ts-expect-error SGD has no default rate
optim.sgd({})
// @ts-expect-error misspelt
optim.sgd({ lr: 0.1, momentun: 0.9 })
// @ts-expect-error PyTorch's spelling
optim.sgd({ lr: 0.1, weight_decay: 0.1 })
// @ts-expect-error Adam's
optim.sgd({ lr: 0.1, betas: [0.9, 0.99] })
// @ts-expect-error SGD's
optim.adam({ momentum: 0.9 })
// @ts-expect-error one of two
optim.adam({ betas: [0.9] })

const optimizer = optim.sgd({ lr: 0.1 })
train(net, data, {
  epochs: 1,
  optimizer,
  schedule: optim.cosine({ warmup: 0.1 }),
  regularization: optim.l2(1e-4),
})
train(net, data, { epochs: 1, optimizer, schedule: optim.step(10), signal: undefined, seed: undefined })
train(net, data, { epochs: 1, optimizer, memoryFormat: 'channelsLast', autocast: 'bfloat16' })
evaluate(net, data, { autocast: 'float16' })
// @ts-expect-error not a memory format
train(net, data, { epochs: 1, optimizer, memoryFormat: 'channels-last' })
// @ts-expect-error not what autocast computes in
evaluate(net, data, { autocast: 'float8' })
// @ts-expect-error training has an end
train(net, data, { optimizer })
// @ts-expect-error and an optimizer
train(net, data, { epochs: 1 })
// @ts-expect-error misspelt
train(net, data, { epochs: 1, optimizer, batchsize: 32 })
// @ts-expect-error a schedule is not a function
train(net, data, { epochs: 1, optimizer, schedule: () => 1 })
// @ts-expect-error a network is not its name
train('lenet-5', data, { epochs: 1, optimizer })

export async function results(): Promise<void> {
  const { top1Error, activations } = await evaluate(net, data)
  const percent: number = top1Error
  const share: number | undefined = activations.layers.fc1
  for await (const { epoch, validationError } of train(net, data, { epochs: percent, optimizer })) {
    const maybe: number | undefined = validationError
    // @ts-expect-error there is a validation error only where there is a validation part
    const sure: number = validationError
    void [epoch, maybe, sure, share]
  }
}
