import { resnet18ImageNet } from '../../models/resnet_imagenet.js'
import { imageData } from '../data.js'
import { residualPruning, residualTraining } from '../imagenet.js'
import { defineRecipe } from '../recipe.js'

/** ResNet-18 on ImageNet, a fifth of its CONV weights kept. */
export default defineRecipe({
  name: 'resnet-18-imagenet',
  model: resnet18ImageNet,
  data: imageData(),
  dense: residualTraining,
  prune: residualPruning,
})
