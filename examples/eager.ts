// Tensors, autograd and gradient hooks for code of one's own: synchronous, as in PyTorch.
//   npx tsx examples/eager.ts
import { manualSeed, optim, randn, scope } from 'torch-prune'

manualSeed(0)
using inputs = randn([64, 8])
using truth = randn([8, 1])
using targets = inputs.matmul(truth)
using weight = randn([8, 1], { requiresGrad: true })
using hook = weight.registerHook((gradient) => gradient.clamp(-1, 1))
using optimizer = optim.Optimizer.over({ weight }, optim.sgd({ lr: 0.1, momentum: 0.9 }))

for (let step = 1; step <= 100; step++) {
  // Tensors made inside a scope are given back at its end.
  const loss = scope(() => {
    const error = inputs.matmul(weight).sub(targets).square().mean()
    optimizer.zeroGrad()
    error.backward()
    optimizer.step()
    return error.item()
  })
  if (step % 20 === 0) console.log(`step ${step}: ${loss}`)
}
hook.remove()
