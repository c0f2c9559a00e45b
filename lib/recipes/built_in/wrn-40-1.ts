import { cifar } from '../cifar.js'
import { defineRecipe } from '../recipe.js'

/** WRN-40-1 on CIFAR-10, a tenth of its CONV weights kept. The code's own error: 5.3 to 5.7% dense. */
export default defineRecipe({ name: 'wrn-40-1', model: 'wrn-40-1', ...cifar })
