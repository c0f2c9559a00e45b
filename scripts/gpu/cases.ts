/** A network whose masked training step is timed; rival.py has the same cases under the same names. */
export interface Case {
  readonly model: string
  readonly sample: readonly [channels: number, height: number, width: number]
  readonly classes: number
  readonly batch: number
  /** The number of steps in an epoch. */
  readonly steps: number
  readonly autocast: 'bfloat16' | 'none'
}

const digits = { sample: [1, 28, 28], classes: 10, batch: 64, steps: 400, autocast: 'none' } as const
const cifar = { sample: [3, 32, 32], classes: 10, batch: 128, steps: 60 } as const
const imagenet = { sample: [3, 224, 224], classes: 1000, batch: 64, steps: 12 } as const
const float = { autocast: 'none' } as const
const half = { autocast: 'bfloat16' } as const

/** The cases by name. */
export const CASES: Readonly<Record<string, Case>> = {
  'lenet-300-100 b64': { model: 'lenet-300-100', ...digits },
  'lenet-5 b64': { model: 'lenet-5', ...digits },
  'alexnet b256 fp32': { model: 'alexnet', ...imagenet, batch: 256, ...float },
  'alexnet b256 bf16': { model: 'alexnet', ...imagenet, batch: 256, ...half },
  'vgg-16 b64 fp32': { model: 'vgg-16', ...imagenet, ...float },
  'vgg-16 b64 bf16': { model: 'vgg-16', ...imagenet, ...half },
  'resnet-18 b128 fp32': { model: 'resnet-18', ...cifar, ...float },
  'resnet-18 b128 bf16': { model: 'resnet-18', ...cifar, ...half },
  'resnet-50 b64 bf16': { model: 'resnet-50-imagenet', ...imagenet, ...half },
}
/** The names of all cases. */
export const caseNames = Object.keys(CASES)

/** Cases that a processor can time within seconds. */
export const TINY_CASES = ['lenet-300-100 b64', 'lenet-5 b64']
