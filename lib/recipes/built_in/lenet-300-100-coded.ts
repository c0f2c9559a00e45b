import { criteria } from '../../prune/score/index.js'
import { defineRecipe } from '../recipe.js'
import deep from './lenet-300-100-deep.js'

/**
 * LeNet-300-100 in a file of 5.1 kilobytes: trained on digits that are moved about, then pruned as by
 * `lenet-300-100-deep`, less far, in smaller steps, and by what weights bring for their bits; then the weights of each
 * layer find four values to share while they are retrained; then stored as small as possible, in `model.tpz`. One round
 * more, or one less, at the same pace makes 4.3 or 6.0 kilobytes.
 */
export default defineRecipe({
  name: 'lenet-300-100-coded',
  model: 'lenet-300-100-dropout',
  data: deep.data,
  dense: { ...deep.dense, epochs: 80, augment: { crop: { padding: 2 } } },
  prune: {
    ...deep.prune,
    criterion: criteria.magnitudePerBit().global(0.0222, { normalize: 'survivors' }),
    rounds: 16,
    // The dense network teaches what it has learned of moved digits; few weights cannot see them all.
    retrain: { ...deep.prune.retrain, augment: {} },
  },
  quantize: { values: 4, trains: 'weights', biasValues: 8, biases: 'float16', retrain: { epochs: 20 } },
  code: {},
  paper: deep.paper,
})
