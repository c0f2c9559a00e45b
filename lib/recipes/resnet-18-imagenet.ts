import { resnet18ImageNet } from '../models/resnet_imagenet.js'
import { globalDensity } from '../prune/criterion.js'
import { imageData } from './data.js'
import { residualTraining } from './imagenet.js'
import { defineRecipe } from './recipe.js'

/** ResNet-18 on ImageNet, a fifth of its CONV weights kept. */
export default defineRecipe({
  name: 'resnet-18-imagenet',
  model: resnet18ImageNet,
  data: imageData(),
  dense: residualTraining,
  prune: {
    criterion: globalDensity(0.2, { layers: 'conv' }),
    rounds: 5,
    retrain: { epochs: 10, lrFactor: 0.1 },
  },
})
