import type { CodedTensor } from '../tensor.js'
import { inputOf, type Kind, numbersOf, type Step } from './kind.js'

export const linear: Kind = {
  shape(made) {
    const [features, ...more] = inputOf(made)
    const expected = made.options.whole('inFeatures')
    if (more.length > 0 || features !== expected) made.options.refuse(`an input that is not [${expected}]`)
    return [made.options.whole('outFeatures')]
  },
  step({ tensor, options, inputs }, [outputs]) {
    const [features] = inputs[0]!
    const weight = tensor('weight', [outputs!, features!])
    const bias = options.flag('bias') ? numbersOf(tensor('bias', [outputs!])) : new Float64Array(outputs!)
    return weight.sparse ? sparseStep(weight.sparse, bias) : denseStep(weight, bias)
  },
}

function sparseStep(
  { rowStart, columns, values }: NonNullable<CodedTensor['sparse']>,
  bias: Float64Array,
): Step {
  return (inputs, output) => {
    const input = inputs[0]!
    for (let row = 0; row < output.length; row++) {
      let sum = bias[row]!
      for (let i = rowStart[row]!, end = rowStart[row + 1]!; i < end; i++)
        sum += values[i]! * input[columns[i]!]!
      output[row] = sum
    }
  }
}

function denseStep(weight: CodedTensor, bias: Float64Array): Step {
  const values = weight.dense() as Float32Array
  return (inputs, output) => {
    const input = inputs[0]!
    for (let row = 0, at = 0; row < output.length; row++) {
      let sum = bias[row]!
      for (let column = 0; column < input.length; column++) sum += values[at++]! * input[column]!
      output[row] = sum
    }
  }
}
