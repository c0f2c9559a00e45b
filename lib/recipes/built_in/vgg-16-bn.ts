import { criteria } from '../../prune/score/index.js'
import { paperRetraining, plainTraining } from '../imagenet.js'
import { underNames, VGG16 } from '../published.js'
import { defineRecipe } from '../recipe.js'

const { paper, densities } = underNames(VGG16, [
  ...(['features.0', 'features.3', 'features.7', 'features.10'] as const),
  ...(['features.14', 'features.17', 'features.20', 'features.24', 'features.27', 'features.30'] as const),
  ...(['features.34', 'features.37', 'features.40'] as const),
  ...(['classifier.0', 'classifier.3', 'classifier.6'] as const),
])

/** VGG-16 with batch normalization on ImageNet, pruned to the densities of the paper's VGG-16 (table 5). */
export default defineRecipe({
  name: 'vgg-16-bn',
  model: 'vgg-16-bn',
  data: 'images',
  dense: plainTraining,
  prune: { criterion: criteria.magnitude().density(densities), rounds: 5, ...paperRetraining },
  paper,
})
