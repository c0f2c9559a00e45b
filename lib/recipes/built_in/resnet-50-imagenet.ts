import { residualPruning, residualTraining } from '../imagenet.js'
import { defineRecipe } from '../recipe.js'

/** ResNet-50 on ImageNet, a fifth of its CONV weights kept. */
export default defineRecipe({
  name: 'resnet-50-imagenet',
  model: 'resnet-50-imagenet',
  data: 'images',
  dense: residualTraining,
  prune: residualPruning,
})
