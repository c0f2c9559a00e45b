import type {
  NativeAdam,
  NativeOptimizerState,
  NativeParameter,
  NativeSgd,
} from '../../lib/binding/native.js'
import type { FieldsOf } from './field_types.js'

/**
 * The fields of the objects that the addon reads, as the TypeScript contract has them: by the names of the native
 * tables. Each is held against its interface by the compiler, and against the addon by a test.
 */
export const CONTRACT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  sgd: {
    fused: 'boolean',
    momentum: 'number',
    dampening: 'number',
    nesterov: 'boolean',
  } satisfies FieldsOf<Omit<NativeSgd, 'kind'>>,
  adam: {
    fused: 'boolean',
    betas: 'number[2]',
    eps: 'number',
    amsgrad: 'boolean',
  } satisfies FieldsOf<Omit<NativeAdam, 'kind'>>,
  parameter: {
    name: 'string',
    weightDecay: 'number?',
    l1: 'number?',
    l2: 'number?',
    lrFactor: 'number?',
    network: 'network?',
    tensor: 'tensor?',
  } satisfies FieldsOf<NativeParameter>,
  optimizerState: {
    name: 'string',
    steps: 'integer',
    moments: 'tensor{}',
  } satisfies FieldsOf<NativeOptimizerState>,
}
