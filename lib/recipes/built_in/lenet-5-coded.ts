import { criteria } from '../../prune/score/index.js'
import { defineRecipe } from '../recipe.js'
import deep from './lenet-5-deep.js'

/**
 * LeNet-5 in a file of 2.7 kilobytes: trained on digits that are moved about, pruned fast to 5% of its weights and
 * from there in small steps, with the dense network as the teacher; then the weights of each layer find four values to share
 * while they are retrained; then stored as small as possible, in `model.tpz`. Rounds 10 and 12 make 5.9 and 4.3 kilobytes.
 */
export default defineRecipe({
  name: 'lenet-5-coded',
  model: 'lenet-5-dropout',
  data: deep.data,
  dense: { ...deep.dense, epochs: 40, augment: { crop: { padding: 2 } } },
  prune: {
    ...deep.prune,
    criterion: criteria.magnitude().global(0.0054),
    rounds: 15,
    densitySchedule: { density: 0.05, rounds: 4 },
    // The dense network teaches what it has learned of moved digits; few weights cannot see them all.
    retrain: { ...deep.prune.retrain, augment: {} },
  },
  quantize: { values: 4, trains: 'weights', biasValues: 8, biases: 'float16', retrain: { epochs: 10 } },
  code: {},
  paper: deep.paper,
})
