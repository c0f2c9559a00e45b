import { mobileCifar } from '../mobile.js'
import { defineRecipe } from '../recipe.js'

/** MobileNetV2 on CIFAR-10, a quarter of its CONV weights kept. */
export default defineRecipe({ name: 'mobilenet-v2', model: 'mobilenet-v2', ...mobileCifar })
