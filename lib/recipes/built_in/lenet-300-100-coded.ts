import { criteria } from '../../prune/score/index.js'
import { defineRecipe } from '../recipe.js'
import deep from './lenet-300-100-deep.js'

/**
 * LeNet-300-100 in a file of a few kilobytes: pruned as by `lenet-300-100-deep`, less far; then the weights of each layer
 * share eight values, which are retrained; then stored as small as possible, in `model.tpz`.
 */
export default defineRecipe({
  name: 'lenet-300-100-coded',
  model: 'lenet-300-100-dropout',
  data: deep.data,
  dense: deep.dense,
  prune: {
    ...deep.prune,
    criterion: criteria.magnitude().global(0.016, { normalize: 'survivors' }),
    rounds: 12,
  },
  quantize: { values: 4, trains: 'weights', biasValues: 8, biases: 'float16', retrain: { epochs: 20 } },
  code: {},
  paper: deep.paper,
})
