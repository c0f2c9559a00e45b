import { criteria } from '../../prune/score/index.js'
import { paperRetraining, plainTraining } from '../imagenet.js'
import { ALEXNET, underNames } from '../published.js'
import { defineRecipe } from '../recipe.js'

const names = ['conv1', 'conv2', 'conv3', 'conv4', 'conv5', 'fc1', 'fc2', 'fc3'] as const
const { paper, densities } = underNames(ALEXNET, names)

/** The paper's own AlexNet, Caffe's with groups, on ImageNet: 9 times smaller (table 4). */
export default defineRecipe({
  name: 'alexnet-caffe',
  model: 'alexnet-caffe',
  data: { kind: 'images', size: 227, resize: 256 },
  dense: plainTraining,
  prune: { criterion: criteria.magnitude().density(densities), rounds: 3, ...paperRetraining },
  paper,
})
