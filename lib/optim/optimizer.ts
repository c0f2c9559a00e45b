import { record } from '../base/collection.js'
import { instance, whole } from '../base/kind.js'
import { group } from '../base/option.js'
import { shown } from '../base/shown.js'
import { uncloneable } from '../base/uncloneable.js'
import { loadAddon } from '../binding/addon.js'
import type { NativeParameter, OptimizerHandle } from '../binding/native.js'
import { runJob } from '../binding/native_job.js'
import { type AnyNetwork, networkKind } from '../nn/any_network.js'
import { tensorKind } from '../tensor/core.js'
import { Tensor } from '../tensor/tensor.js'
import { noRegularization, type Regularization, regularizationKind } from './regularization.js'
import { type OptimizerSpec, optimizerKind } from './spec.js'

/** What an optimizer remembers about a parameter; the moments have PyTorch's names. */
export interface ParameterState {
  /** The number of updates of the parameter. */
  readonly steps: number
  /** The moments by name, each of the parameter's shape. */
  readonly moments: Readonly<Record<string, Tensor>>
}

const parameterState = group({ steps: whole(0), moments: record(tensorKind, 'an object of tensors by name') })
const stateKind = instance<ReadonlyMap<string, unknown>>(Map, 'a Map, as state() returns it')
const CLONING = uncloneable('an optimizer stays in its thread (send what its state() holds)')

/**
 * An optimizer for a network's parameters or for any tensors. Masks that are set later seal its moments, and states are
 * sealed when they are loaded.
 */
export class Optimizer {
  /** @internal */
  readonly cloning = CLONING
  /** The settings of the optimizer. */
  readonly spec: OptimizerSpec
  /** @internal */
  readonly handle: OptimizerHandle

  private constructor(spec: OptimizerSpec, parameters: readonly NativeParameter[]) {
    this.spec = spec
    const { lr: _lr, weightDecay: _decay, ...settings } = spec
    this.handle = loadAddon().optimizerMake(settings, parameters)
  }

  /**
   * Makes an optimizer for all parameters of a network; frozen ones are skipped. `regularization` applies to layers'
   * weights; by default there is none. `lrScale` holds factors on the learning rate by layer.
   */
  static of(
    network: AnyNetwork,
    spec: OptimizerSpec,
    regularization: Regularization = noRegularization,
    lrScale: Readonly<Record<string, number | undefined>> = {},
  ): Optimizer {
    networkKind.read(network, 'Optimizer.of: network')
    const checked = optimizerKind.read(spec, 'Optimizer.of: spec')
    regularizationKind.read(regularization, 'Optimizer.of: regularization')
    const weights = new Set<string>(network.prunable.map((layer) => `${layer}.weight`))
    const parameters = loadAddon()
      .networkTensors(network.handle)
      .filter((entry) => entry.parameter)
      .map(({ name, layer }): NativeParameter => {
        const lrFactor = (Object.hasOwn(lrScale, layer) ? lrScale[layer] : undefined) ?? 1
        const own = { name, network: network.handle, weightDecay: spec.weightDecay, lrFactor }
        if (regularization.kind === 'none' || !weights.has(name)) return own
        if (regularization.kind === 'l1') return { ...own, l1: regularization.strength }
        // For SGD and Adam, L2 is the same as weight decay, which their fused kernels apply at no extra cost.
        if (spec.kind === 'adamw') return { ...own, l2: regularization.strength }
        return { ...own, weightDecay: spec.weightDecay + regularization.strength }
      })
    return new Optimizer(checked, parameters)
  }

  /** Makes an optimizer for tensors that require gradients, by name. */
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

  /** Updates every parameter that has a gradient once. `lr` defaults to the optimizer's learning rate. */
  step(lr: number = this.spec.lr): void {
    loadAddon().optimizerStep(this.handle, lr)
  }

  /** Clears the gradients of all its parameters. */
  zeroGrad(): void {
    loadAddon().optimizerZeroGrad(this.handle)
  }

  /** Copies everything that it remembers, by parameter. */
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

  /** Loads what another optimizer remembered. Pruned positions become +0, whatever was saved for them. */
  async loadState(state: ReadonlyMap<string, ParameterState>): Promise<void> {
    const states = Array.from(stateKind.read(state, 'Optimizer.loadState: state'), ([name, saved]) => {
      const { steps, moments } = parameterState.read(saved, `Optimizer.loadState: state of ${shown(name)}`)
      const handles = Object.fromEntries(Object.entries(moments).map(([key, tensor]) => [key, tensor.handle]))
      return { name, steps, moments: handles }
    })
    await runJob(() => loadAddon().optimizerLoadStart(this.handle, states))
  }

  /** Frees its memory. */
  dispose(): void {
    loadAddon().optimizerDispose(this.handle)
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}
