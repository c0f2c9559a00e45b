import { cifar } from '../cifar.js'
import { defineRecipe } from '../recipe.js'

/** ResNet-9 on CIFAR-10, a tenth of its CONV weights kept. */
export default defineRecipe({ name: 'resnet-9', model: 'resnet-9', ...cifar })
