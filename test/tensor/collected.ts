// Run with --expose-gc by lifetime.test.ts: forgets tensors, some with hooks, and counts what is left.
import { setImmediate } from 'node:timers/promises'

import { ones } from '../../lib/tensor/factories.js'
import { memory } from '../../lib/tensor/scope.js'
import { device } from '../support/device.js'

function forget(): void {
  for (let i = 0; i < 100; i++) {
    const weight = ones([16], { device, requiresGrad: true })
    const loss = weight.mul(2).sum()
    loss.registerHook((gradient) => gradient.mul(2))
    weight.registerHook(() => undefined)
    weight.dtype
    weight.add(1)
  }
}

forget()
const made = memory.liveTensors().tensors
for (let turn = 0; turn < 10 && memory.liveTensors().tensors > 0; turn++) {
  globalThis.gc!()
  await setImmediate()
}
console.log(JSON.stringify({ made, left: memory.liveTensors().tensors }))
