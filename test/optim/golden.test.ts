import { expect } from 'chai'
import { linear } from '../../lib/nn/layers/index.js'
import { network } from '../../lib/nn/network.js'
import { Optimizer } from '../../lib/optim/optimizer.js'
import { type AdamOptions, adam, adamw, type SgdOptions, sgd } from '../../lib/optim/spec.js'
import type { Tensor } from '../../lib/tensor/tensor.js'
import { expectSealed } from '../prune/sealed.js'
import { expectClose } from '../support/close.js'
import { device } from '../support/device.js'
import { readGolden } from '../support/golden.js'

const golden = await readGolden<{
  steps: number
  maskedAfterStep: number
  savedSteps: number[]
  variants: ('loop' | 'fused')[]
  cases: { name: string; algorithm: 'sgd' | 'adam' | 'adamw'; options: object }[]
}>('optimizers')

const PARAMETERS = { w: 'fc.weight', b: 'fc.bias' } as const
const { steps, maskedAfterStep, savedSteps, variants, cases } = golden.fixture

describe("optimizers step as PyTorch's do, with a mask set midway:", () => {
  for (const { name, algorithm, options } of cases) {
    for (const variant of variants) {
      it(`${name}, ${variant}`, () => check(name, algorithm, options, variant))
    }
  }
})

async function check(
  name: string,
  algorithm: 'sgd' | 'adam' | 'adamw',
  options: object,
  variant: 'loop' | 'fused',
) {
  const own = { ...options, fused: variant === 'fused' }
  const spec =
    algorithm === 'sgd'
      ? sgd(own as SgdOptions)
      : algorithm === 'adam'
        ? adam(own as AdamOptions)
        : adamw(own as AdamOptions)
  using net = network([6], { fc: linear(6, 4) }, { device })
  for (const [key, parameter] of Object.entries(PARAMETERS)) {
    await net.put([[parameter, golden.tensor(`initial.${key}`)]])
  }
  using optimizer = Optimizer.of(net, spec)
  // Other processors round products and sums in one step or in two. A GPU's kernel rounds 1 - beta2 to float32
  // first, which squares show.
  const rounds = (key: string) => device !== 'cpu' && variant === 'fused' && key.endsWith('exp_avg_sq')
  const compare = (actual: Tensor, key: string) => {
    const expected = golden.tensor(`${name}.${variant}.${key}`)
    if (!rounds(key)) expectClose(actual, expected, key, 'optimizer')
    else expect(actual.allclose(expected, { rtol: 1e-4, atol: 1e-7 }), key).to.equal(true)
  }

  for (let step = 1; step <= steps; step++) {
    for (const [key, parameter] of Object.entries(PARAMETERS)) {
      net.tensor(parameter as 'fc.bias').grad = golden.tensor(`gradient.${step}.${key}`)
    }
    optimizer.step()
    if (step > maskedAfterStep) await expectSealed(net, optimizer)
    if (savedSteps.includes(step)) {
      for (const [key, parameter] of Object.entries(PARAMETERS)) {
        compare(net.tensor(parameter).detach(), `${step}.${key}`)
      }
    }
    if (step === maskedAfterStep) {
      await net.setMask('fc', golden.tensor('mask'))
      await expectSealed(net, optimizer)
    }
  }
  const moments =
    { sgd: 0, adam: 2, adamw: 2 }[algorithm] || ('momentum' in options && options.momentum ? 1 : 0)
  for (const [key, parameter] of Object.entries(PARAMETERS)) {
    const state = optimizer.state().get(parameter)!
    expect(state.steps).to.equal(steps)
    expect(Object.keys(state.moments)).to.have.lengthOf(
      moments + ('amsgrad' in options && options.amsgrad ? 1 : 0),
    )
    for (const [moment, values] of Object.entries(state.moments)) compare(values, `state.${key}.${moment}`)
  }
}
