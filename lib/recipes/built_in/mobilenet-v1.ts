import { mobileCifar } from '../mobile.js'
import { defineRecipe } from '../recipe.js'

/** MobileNet on CIFAR-10, a quarter of its CONV weights kept. */
export default defineRecipe({ name: 'mobilenet-v1', model: 'mobilenet-v1', ...mobileCifar })
