import { residualPruning, residualTraining } from '../imagenet.js'
import { defineRecipe } from '../recipe.js'

/** ResNet-18 on ImageNet, a fifth of its CONV weights kept. */
export default defineRecipe({
  name: 'resnet-18-imagenet',
  model: 'resnet-18-imagenet',
  data: 'images',
  dense: residualTraining,
  prune: residualPruning,
})
