import { resnet50ImageNet } from '../../models/resnet_imagenet.js'
import { imageData } from '../data.js'
import { residualPruning, residualTraining } from '../imagenet.js'
import { defineRecipe } from '../recipe.js'

/** ResNet-50 on ImageNet, a fifth of its CONV weights kept. */
export default defineRecipe({
  name: 'resnet-50-imagenet',
  model: resnet50ImageNet,
  data: imageData(),
  dense: residualTraining,
  prune: residualPruning,
})
