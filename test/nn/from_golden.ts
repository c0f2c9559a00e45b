import { expect } from 'chai'
import type { Layers } from '../../lib/nn/graph.js'
import {
  adaptiveAvgPool2d,
  add,
  batchNorm2d,
  conv2d,
  dropout,
  flatten,
  type Layer,
  linear,
  localResponseNorm,
  maxPool2d,
  relu,
} from '../../lib/nn/layers.js'

/** A layer as scripts/reference/graph.py writes it. */
export interface GoldenLayer {
  readonly name: string
  readonly kind: string
  readonly inputs?: readonly string[]
  readonly [option: string]: unknown
}

/** The layers that a fixture describes, as a user would write them. */
export function layersFrom(described: readonly GoldenLayer[]): Layers {
  return Object.fromEntries(described.map((layer) => [layer.name, layerFrom(layer)]))
}

function layerFrom({ kind, inputs, ...options }: GoldenLayer): Layer {
  const from = inputs === undefined ? {} : { from: inputs[0]! }
  const number = (key: string) => {
    expect(options, `${kind}.${key}`).to.have.property(key).a('number')
    return options[key] as number
  }
  const bias = options.bias as boolean
  switch (kind) {
    case 'linear':
      return linear(number('inFeatures'), number('outFeatures'), { bias, ...from })
    case 'conv2d': {
      const [stride, padding, groups] = [number('stride'), number('padding'), number('groups')]
      const sizes = { stride, padding, dilation: number('dilation'), groups, bias }
      return conv2d(number('inChannels'), number('outChannels'), number('kernelSize'), { ...sizes, ...from })
    }
    case 'batchNorm2d':
      return batchNorm2d(number('features'), { eps: number('eps'), momentum: number('momentum'), ...from })
    case 'relu':
      return relu(from)
    case 'maxPool2d':
      return maxPool2d(number('kernelSize'), {
        stride: number('stride'),
        padding: number('padding'),
        ...from,
      })
    case 'adaptiveAvgPool2d':
      return adaptiveAvgPool2d(number('outputSize'), from)
    case 'localResponseNorm':
      return localResponseNorm(number('size'), {
        alpha: number('alpha'),
        beta: number('beta'),
        k: number('k'),
        ...from,
      })
    case 'flatten':
      return flatten(from)
    case 'dropout':
      return dropout(number('p'), from)
    case 'add':
      return add(...(inputs as [string, string]))
    default:
      return expect.fail(`no layer of kind ${kind}`)
  }
}
