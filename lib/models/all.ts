// Written by `npm run models` from the files beside it.
import { alexnet, alexnetCaffe } from './alexnet.js'
import { lenet5, lenet5Dropout } from './lenet5.js'
import { lenet300100, lenet300100Dropout } from './lenet300100.js'
import { mobilenetV1, mobilenetV1ImageNet } from './mobilenet_v1.js'
import { mobilenetV2, mobilenetV2ImageNet } from './mobilenet_v2.js'
import { resnet9, resnet18, resnet34, resnet50 } from './resnet_cifar.js'
import { resnet18ImageNet, resnet50ImageNet } from './resnet_imagenet.js'
import { vgg16, vgg16bn } from './vgg.js'
import { wrn16x2, wrn40x1, wrn40x2 } from './wrn.js'

/** The functions that make models, by the names that the command line, recipes and `createModel` use. */
export const MODELS = {
  alexnet,
  'alexnet-caffe': alexnetCaffe,
  'lenet-300-100': lenet300100,
  'lenet-300-100-dropout': lenet300100Dropout,
  'lenet-5': lenet5,
  'lenet-5-dropout': lenet5Dropout,
  'mobilenet-v1': mobilenetV1,
  'mobilenet-v1-imagenet': mobilenetV1ImageNet,
  'mobilenet-v2': mobilenetV2,
  'mobilenet-v2-imagenet': mobilenetV2ImageNet,
  'resnet-18': resnet18,
  'resnet-18-imagenet': resnet18ImageNet,
  'resnet-34': resnet34,
  'resnet-50': resnet50,
  'resnet-50-imagenet': resnet50ImageNet,
  'resnet-9': resnet9,
  'vgg-16': vgg16,
  'vgg-16-bn': vgg16bn,
  'wrn-16-2': wrn16x2,
  'wrn-40-1': wrn40x1,
  'wrn-40-2': wrn40x2,
}
