import { mobileImageNet } from '../mobile.js'
import { defineRecipe } from '../recipe.js'

/** MobileNetV2 on ImageNet, a quarter of its CONV weights kept. */
export default defineRecipe({
  name: 'mobilenet-v2-imagenet',
  model: 'mobilenet-v2-imagenet',
  ...mobileImageNet,
})
