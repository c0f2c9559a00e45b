import { cifar } from '../cifar.js'
import { defineRecipe } from '../recipe.js'

/** ResNet-50 on CIFAR-10, a tenth of its CONV weights kept. The code's own error: 3.6 to 3.9% dense. */
export default defineRecipe({ name: 'resnet-50', model: 'resnet-50', ...cifar })
