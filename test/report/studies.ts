import type { BenchRecord } from '../../lib/runs/bench_record.js'
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

export const benchExample: BenchRecord = {
  schema: 1,
  file: 'model.safetensors',
  made: {
    time: '2026-01-02T03:04:05.678Z',
    device: 'cpu',
    threads: 2,
    versions: { torchPrune: '0.1.0', libtorch: '2.13.0', node: '20.20.2' },
    command: 'torch-prune bench model.safetensors --batch 8 --out .',
  },
  machine: 'A Processor, 2 cores',
  threads: 2,
  batch: 8,
  engines: {
    dense: { p50: 0.4, p99: 0.6, throughput: 19_000, resident: 12e6, bytes: 1_066_440 },
    csr: { p50: 2, p99: 2.5, throughput: 3900, bytes: 90_000 },
    compiled: { p50: 0.05, p99: 0.0612, throughput: 158_000, resident: 8.25e6, bytes: 88_000 },
  },
  layers: [
    { name: 'fc1', density: 0.08, form: 'sparse', dense: 0.3, chosen: 0.03, breakEven: 0.4 },
    { name: 'fc2', density: 0.9, form: 'dense', dense: 0.01, chosen: 0.01 },
  ],
  missing: { onnxruntime: 'the package onnxruntime-node is not installed' },
  missingResident: { csr: 'its process ended with SIGKILL' },
}
