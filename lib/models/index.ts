// Written by `npm run models` from the files beside it.
export * from './alexnet.js'
export * from './lenet5.js'
export * from './lenet300100.js'
export * from './mobilenet_v1.js'
export * from './mobilenet_v2.js'
export type {
  DropoutOptions,
  DropoutSizeOptions,
  HiddenOptions,
  ModelOptions,
  SizeOptions,
} from './options.js'
export { type AnyModelOptions, createModel, type ModelName, type Models, modelNames } from './registry.js'
export * from './resnet_cifar.js'
export * from './resnet_imagenet.js'
export * from './vgg.js'
export * from './wrn.js'
