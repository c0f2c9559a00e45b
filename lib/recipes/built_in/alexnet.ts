import { criteria } from '../../prune/score/index.js'
import { paperRetraining, plainTraining } from '../imagenet.js'
import { ALEXNET, underNames } from '../published.js'
import { defineRecipe } from '../recipe.js'

const { paper, densities } = underNames(ALEXNET, [
  ...(['features.0', 'features.3', 'features.6', 'features.8', 'features.10'] as const),
  ...(['classifier.1', 'classifier.4', 'classifier.6'] as const),
])

/** AlexNet in torchvision's shape on ImageNet, pruned to the densities of the paper's (table 4). */
export default defineRecipe({
  name: 'alexnet',
  model: 'alexnet',
  data: 'images',
  dense: plainTraining,
  prune: { criterion: criteria.magnitude().density(densities), rounds: 3, ...paperRetraining },
  paper,
})
