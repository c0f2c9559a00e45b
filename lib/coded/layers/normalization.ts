import { imageOf, inputOf, type Kind, numbersOf } from './kind.js'

export const batchNorm2d: Kind = {
  shape(made) {
    const features = made.options.whole('features')
    if (imageOf(made)[0] !== features) made.options.refuse(`an input that has not ${features} channels`)
    return inputOf(made)
  },
  step(made) {
    const [channels, height, width] = imageOf(made)
    const [weight, bias, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((name) =>
      numbersOf(made.tensor(name, [channels])),
    ) as [Float64Array, Float64Array, Float64Array, Float64Array]
    const eps = made.options.number('eps')
    const scale = weight.map((each, channel) => each / Math.sqrt(variance[channel]! + eps))
    const shift = bias.map((each, channel) => each - mean[channel]! * scale[channel]!)
    const pixels = height * width
    return (inputs, output) => {
      for (let channel = 0, at = 0; channel < channels; channel++) {
        const [factor, summand] = [scale[channel]!, shift[channel]!]
        for (const end = at + pixels; at < end; at++) output[at] = inputs[0]![at]! * factor + summand
      }
    }
  },
}

export const localResponseNorm: Kind = {
  shape: (made) => {
    imageOf(made)
    return inputOf(made)
  },
  step(made) {
    const [channels, height, width] = imageOf(made)
    const { options } = made
    const size = options.whole('size')
    const [alpha, beta, k] = [options.number('alpha'), options.number('beta'), options.number('k')]
    const pixels = height * width
    return ([input], output) => {
      for (let channel = 0; channel < channels; channel++) {
        const first = Math.max(0, channel - Math.floor(size / 2))
        const last = Math.min(channels - 1, channel + Math.floor((size - 1) / 2))
        for (let pixel = 0; pixel < pixels; pixel++) {
          let squares = 0
          for (let other = first; other <= last; other++) squares += input![other * pixels + pixel]! ** 2
          const at = channel * pixels + pixel
          output[at] = input![at]! / (k + (alpha * squares) / size) ** beta
        }
      }
    }
  },
}
