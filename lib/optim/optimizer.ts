import { record } from '../base/collection.js'
import { instance, whole } from '../base/kind.js'
import { group } from '../base/option.js'
import { shown } from '../base/shown.js'
import { uncloneable } from '../base/uncloneable.js'
import { loadAddon } from '../binding/addon.js'
import type { NativeParameter, OptimizerHandle } from '../binding/native.js'
import { runJob } from '../binding/native_job.js'
import { type AnyNetwork, networkKind } from '../nn/network.js'
import { tensorKind } from '../tensor/core.js'
import { Tensor } from '../tensor/tensor.js'
import { noRegularization, type Regularization, regularizationKind } from './regularization.js'
import { type OptimizerSpec, optimizerKind } from './spec.js'

/** What an optimiser remembers of a parameter; the moments under PyTorch's names. */
export interface ParameterState {
  readonly steps: number
  readonly moments: Readonly<Record<string, Tensor>>
}

const parameterState = group({ steps: whole(0), moments: record(tensorKind, 'an object of tensors by name') })
const stateKind = instance<ReadonlyMap<string, unknown>>(Map, 'a Map, as state() returns it')
const CLONING = uncloneable('an optimizer stays in its thread (send what its state() holds)')

/**
 * An optimiser over a network's parameters or over tensors of one's own. Masks set later seal its moments;
 * states loaded into it are sealed as they come.
 */
export class Optimizer {
  /** @internal */
  readonly cloning = CLONING
  readonly spec: OptimizerSpec
  /** @internal */
  readonly handle: OptimizerHandle

  private constructor(spec: OptimizerSpec, parameters: readonly NativeParameter[]) {
    this.spec = spec
    const { kind, fused } = spec
    const native =
      kind === 'sgd'
        ? { kind, fused, momentum: spec.momentum, dampening: spec.dampening, nesterov: spec.nesterov }
        : { kind, fused, beta1: spec.betas[0], beta2: spec.betas[1], eps: spec.eps, amsgrad: spec.amsgrad }
    this.handle = loadAddon().optimizerMake(native, parameters)
  }

  /** Over all parameters of a network; frozen ones are passed by. `regularization` acts on layers' weights. */
  static of(
    network: AnyNetwork,
    spec: OptimizerSpec,
    regularization: Regularization = noRegularization,
  ): Optimizer {
    networkKind.read(network, 'Optimizer.of: network')
    const checked = optimizerKind.read(spec, 'Optimizer.of: spec')
    regularizationKind.read(regularization, 'Optimizer.of: regularization')
    const weights = new Set<string>(network.prunable.map((layer) => `${layer}.weight`))
    const parameters = loadAddon()
      .networkTensors(network.handle)
      .filter((entry) => entry.parameter)
      .map(({ name }): NativeParameter => {
        const own = { name, network: network.handle, weightDecay: spec.weightDecay }
        if (regularization.kind === 'none' || !weights.has(name)) return own
        if (regularization.kind === 'l1') return { ...own, l1: regularization.strength }
        // For SGD and Adam, L2 is weight decay, which their fused kernels take along for nothing.
        if (spec.kind === 'adamw') return { ...own, l2: regularization.strength }
        return { ...own, weightDecay: spec.weightDecay + regularization.strength }
      })
    return new Optimizer(checked, parameters)
  }

  /** Over tensors that require gradients, by name. */
  static over(tensors: Readonly<Record<string, Tensor>>, spec: OptimizerSpec): Optimizer {
    const checked = optimizerKind.read(spec, 'Optimizer.over: spec')
    const named = record(tensorKind, 'an object of tensors by name').read(tensors, 'Optimizer.over: tensors')
    const parameters = Object.entries(named).map(([name, tensor]) => ({
      name,
      tensor: tensor.handle,
      weightDecay: checked.weightDecay,
    }))
    return new Optimizer(checked, parameters)
  }

  /** One update of every parameter that has a gradient. */
  step(lr: number = this.spec.lr): void {
    loadAddon().optimizerStep(this.handle, lr)
  }

  zeroGrad(): void {
    loadAddon().optimizerZeroGrad(this.handle)
  }

  /** A copy of all that it remembers, by parameter. */
  state(): Map<string, ParameterState> {
    const entries = loadAddon().optimizerState(this.handle)
    return new Map(
      entries.map(({ name, steps, moments }) => [
        name,
        {
          steps,
          moments: Object.fromEntries(
            Object.entries(moments).map(([key, handle]) => [key, Tensor.wrap(handle)]),
          ),
        },
      ]),
    )
  }

  /** Takes up what another one remembered. Pruned places become +0, whatever was saved. */
  async loadState(state: ReadonlyMap<string, ParameterState>): Promise<void> {
    const states = Array.from(stateKind.read(state, 'Optimizer.loadState: state'), ([name, saved]) => {
      const { steps, moments } = parameterState.read(saved, `Optimizer.loadState: state of ${shown(name)}`)
      const handles = Object.fromEntries(Object.entries(moments).map(([key, tensor]) => [key, tensor.handle]))
      return { name, steps, moments: handles }
    })
    await runJob(() => loadAddon().optimizerLoadStart(this.handle, states))
  }

  dispose(): void {
    loadAddon().optimizerDispose(this.handle)
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}
