import { unknownName } from '../base/spelling.js'
import type { Network } from '../nn/network.js'
import { alexnet, alexnetCaffe } from './alexnet.js'
import { lenet5, lenet5Dropout } from './lenet5.js'
import { lenet300100, lenet300100Dropout } from './lenet300100.js'
import { mobilenetV1, mobilenetV1ImageNet } from './mobilenet_v1.js'
import { mobilenetV2, mobilenetV2ImageNet } from './mobilenet_v2.js'
import type { HiddenOptions, ModelOptions, SizeOptions } from './options.js'
import { resnet9, resnet18, resnet34, resnet50 } from './resnet_cifar.js'
import { resnet18ImageNet, resnet50ImageNet } from './resnet_imagenet.js'
import { vgg16, vgg16bn } from './vgg.js'
import { wrn16x2, wrn40x1, wrn40x2 } from './wrn.js'

export type {
  DropoutOptions,
  DropoutSizeOptions,
  HiddenOptions,
  ModelOptions,
  SizeOptions,
} from './options.js'
export {
  alexnet,
  alexnetCaffe,
  lenet5,
  lenet5Dropout,
  lenet300100,
  lenet300100Dropout,
  mobilenetV1,
  mobilenetV1ImageNet,
  mobilenetV2,
  mobilenetV2ImageNet,
  resnet9,
  resnet18,
  resnet18ImageNet,
  resnet34,
  resnet50,
  resnet50ImageNet,
  vgg16,
  vgg16bn,
  wrn16x2,
  wrn40x1,
  wrn40x2,
}

/** The functions that make models, by the names that the command line, recipes and `createModel` use. */
const MODELS = {
  'lenet-300-100': lenet300100,
  'lenet-300-100-dropout': lenet300100Dropout,
  'lenet-5': lenet5,
  'lenet-5-dropout': lenet5Dropout,
  alexnet,
  'alexnet-caffe': alexnetCaffe,
  'vgg-16': vgg16,
  'vgg-16-bn': vgg16bn,
  'resnet-9': resnet9,
  'resnet-18': resnet18,
  'resnet-34': resnet34,
  'resnet-50': resnet50,
  'resnet-18-imagenet': resnet18ImageNet,
  'resnet-50-imagenet': resnet50ImageNet,
  'mobilenet-v1': mobilenetV1,
  'mobilenet-v2': mobilenetV2,
  'mobilenet-v1-imagenet': mobilenetV1ImageNet,
  'mobilenet-v2-imagenet': mobilenetV2ImageNet,
  'wrn-16-2': wrn16x2,
  'wrn-40-1': wrn40x1,
  'wrn-40-2': wrn40x2,
} satisfies Record<string, (options?: ModelOptions) => unknown>

/** The functions that make models, by name. */
export type Models = typeof MODELS
/** The name of a model. */
export type ModelName = keyof Models
/** The names of all models. */
export const modelNames = Object.keys(MODELS) as ModelName[]

/** The options of any model. */
export type AnyModelOptions = HiddenOptions & SizeOptions

/**
 * Makes a model by name; the names of its layers have type `string`.
 *
 * @throws TorchPruneError `ERR_ARGUMENT` for an unknown name, or for options that the model does not take.
 */
export function createModel(name: string, options: AnyModelOptions = {}): Network {
  if (typeof name !== 'string' || !Object.hasOwn(MODELS, name)) throw unknownName('model', name, modelNames)
  return MODELS[name as ModelName](options) as unknown as Network
}
