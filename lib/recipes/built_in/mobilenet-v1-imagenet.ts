import { mobileImageNet } from '../mobile.js'
import { defineRecipe } from '../recipe.js'

/** MobileNet on ImageNet, a quarter of its CONV weights kept. */
export default defineRecipe({
  name: 'mobilenet-v1-imagenet',
  model: 'mobilenet-v1-imagenet',
  ...mobileImageNet,
})
