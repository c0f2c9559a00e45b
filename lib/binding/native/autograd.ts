import type { TensorHandle } from './handles.js'

/** Gradients of tensors. */
export interface AutogradFunctions {
  backward(
    tensor: TensorHandle,
    gradient: TensorHandle | undefined,
    options: { retainGraph?: boolean | undefined; createGraph?: boolean | undefined },
  ): void
  gradient(tensor: TensorHandle): TensorHandle | undefined
  setGradient(tensor: TensorHandle, gradient: TensorHandle | undefined): void
  tensorRequiresGrad(tensor: TensorHandle): boolean
  setRequiresGrad(tensor: TensorHandle, requiresGrad: boolean): void
  registerHook(tensor: TensorHandle, hook: (gradient: TensorHandle) => TensorHandle | undefined): () => void
  setGradEnabled(enabled: boolean): boolean
}
