import { conv2d } from './conv2d.js'
import { handsOn, type Kind, pointwise, sizeOf } from './kind.js'
import { linear } from './linear.js'
import { batchNorm2d, localResponseNorm } from './normalization.js'
import { adaptiveAvgPool2d, avgPool2d, maxPool2d } from './pooling.js'

const add: Kind = {
  shape({ inputs, options }) {
    const [first, ...others] = inputs
    if (first === undefined || others.length === 0 || others.some((other) => other.join() !== first.join()))
      return options.refuse('inputs that cannot be added')
    return first
  },
  step: () => (inputs, output) => {
    output.set(inputs[0]!)
    for (const input of inputs.slice(1)) for (let i = 0; i < output.length; i++) output[i]! += input[i]!
  },
}

/** The kinds of layers that run: those that the package's own models are made of. */
export const kinds: ReadonlyMap<string, Kind> = new Map(
  Object.entries({
    linear,
    conv2d,
    maxPool2d,
    avgPool2d,
    adaptiveAvgPool2d,
    batchNorm2d,
    localResponseNorm,
    add,
    flatten: handsOn((input) => [sizeOf(input)]),
    // It does something while training only.
    dropout: handsOn((input) => input),
    relu: pointwise((value) => Math.max(value, 0)),
    relu6: pointwise((value) => Math.min(Math.max(value, 0), 6)),
  }),
)
