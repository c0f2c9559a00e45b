import { criteria } from '../../prune/score/index.js'
import { defineRecipe } from '../recipe.js'
import hour from './wrn-16-2-hour.js'

/**
 * WRN-16-2 on CIFAR-10 under 2:4: of every four weights along the inputs, the two largest stay, in all layers but the
 * first, which has three inputs. One round, retrained as one of `wrn-16-2-hour`'s.
 */
export default defineRecipe({
  name: 'wrn-16-2-nm',
  model: 'wrn-16-2',
  data: hour.data,
  dense: hour.dense,
  prune: {
    criterion: criteria.magnitude().nm(2, 4, {
      layers: [
        'block1.layer.0.conv1',
        'block1.layer.0.conv2',
        'block1.layer.0.convShortcut',
        'block1.layer.1.conv1',
        'block1.layer.1.conv2',
        'block2.layer.0.conv1',
        'block2.layer.0.conv2',
        'block2.layer.0.convShortcut',
        'block2.layer.1.conv1',
        'block2.layer.1.conv2',
        'block3.layer.0.conv1',
        'block3.layer.0.conv2',
        'block3.layer.0.convShortcut',
        'block3.layer.1.conv1',
        'block3.layer.1.conv2',
        'fc',
      ],
    }),
    rounds: 1,
    retrain: hour.prune.retrain,
  },
})
