import { criteria } from '../../prune/score/index.js'
import { defineRecipe } from '../recipe.js'
import deep from './lenet-5-deep.js'

/**
 * LeNet-5 in a file of 4.5 kilobytes: pruned as by `lenet-5-deep`, less far and in smaller steps; then the weights of each
 * layer find four values to share while they are retrained; then stored as small as possible, in `model.tpz`. One round
 * less, or two more, at the same pace make 6 or 2.8 kilobytes.
 */
export default defineRecipe({
  name: 'lenet-5-coded',
  model: 'lenet-5-dropout',
  data: deep.data,
  dense: deep.dense,
  prune: { ...deep.prune, criterion: criteria.magnitude().global(0.01), rounds: 14 },
  quantize: { values: 4, trains: 'weights', biasValues: 8, biases: 'float16', retrain: { epochs: 10 } },
  code: {},
  paper: deep.paper,
})
