import { resnet9 } from '../../models/resnet_cifar.js'
import { cifar } from '../cifar.js'
import { defineRecipe } from '../recipe.js'

/** ResNet-9 on CIFAR-10, a tenth of its CONV weights kept. */
export default defineRecipe({ name: 'resnet-9', model: resnet9, ...cifar })
