import { criteria } from '../../prune/score/index.js'
import { defineRecipe } from '../recipe.js'
import deep from './lenet-5-deep.js'

/**
 * LeNet-5 in a file of a few kilobytes: pruned as by `lenet-5-deep`, less far; then the weights of each layer share eight
 * values, which are retrained; then stored as small as possible, in `model.tpz`.
 */
export default defineRecipe({
  name: 'lenet-5-coded',
  model: 'lenet-5-dropout',
  data: deep.data,
  dense: deep.dense,
  prune: { ...deep.prune, criterion: criteria.magnitude().global(0.0085), rounds: 8 },
  quantize: { values: 4, trains: 'weights', biasValues: 8, biases: 'float16', retrain: { epochs: 10 } },
  code: {},
  paper: deep.paper,
})
