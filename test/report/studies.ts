import type { SensitivityRecord } from '../../lib/runs/sensitivity_record.js'
import type { TradeoffRecord } from '../../lib/runs/tradeoff_record.js'

export const sensitivityExample: SensitivityRecord = {
  schema: 1,
  model: 'lenet-5',
  validationErrorDense: 1,
  layers: [
    {
      name: 'conv1',
      kind: 'conv',
      points: [
        { density: 0.5, validationError: 3 },
        { density: 0.1, validationError: 60 },
      ],
    },
    {
      name: 'fc1',
      kind: 'fc',
      points: [
        { density: 0.5, validationError: 2 },
        { density: 0.1, validationError: 4 },
      ],
    },
  ],
}

export const tradeoffExample: TradeoffRecord = {
  schema: 1,
  model: 'lenet-5',
  curves: [
    {
      name: 'L1, without retraining',
      regularization: 'l1',
      retrain: false,
      iterative: false,
      seeds: [0, 1],
      points: [
        { density: 0.5, losses: [0.1, 0.3], mean: 0.2, spread: 0.1414 },
        { density: 0.1, losses: [40, 44], mean: 42, spread: 2.828 },
      ],
    },
    {
      name: 'L2, iterated',
      regularization: 'l2',
      retrain: true,
      iterative: true,
      seeds: [0, 1],
      points: [
        { density: 0.5, losses: [-0.1, -0.1], mean: -0.1, spread: 0 },
        { density: 0.1, losses: [0, 0.2], mean: 0.1, spread: 0.1414 },
      ],
    },
  ],
}
