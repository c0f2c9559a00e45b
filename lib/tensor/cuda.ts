import { TorchPruneError } from '../base/errors.js'
import { boolean } from '../base/kind.js'
import { type OptionsOf, optional, readOptions } from '../base/option.js'
import { loadAddon } from '../binding/addon.js'
import type { CudaMemory, CudaProperties, CudaSwitches } from '../binding/native.js'
import { type Device, deviceKind } from './device.js'

const switches = {
  /**
   * Whether float32 products and convolutions may round their factors to TF32, which has 10 bits and is several times
   * faster.
   * @default PyTorch's: convolutions may, products may not
   */
  tf32: optional(boolean),
  /**
   * Whether cuDNN tries its algorithms for each new shape and takes the fastest. Results then differ in their last digits
   * from run to run.
   * @default false
   */
  benchmark: optional(boolean),
  /**
   * Whether only algorithms are used whose results repeat bit for bit; operators that have none throw `ERR_TORCH`.
   * @default false
   */
  deterministic: optional(boolean),
}

/** How all CUDA devices of this process compute. */
export interface CudaOptions extends OptionsOf<typeof switches> {}

/** The CUDA devices of this machine. */
export const cuda = {
  /** Whether this libtorch sees a CUDA device; if not, `torch-prune doctor` says why. */
  isAvailable(): boolean {
    return loadAddon().cudaDevices() > 0
  },
  /** The number of CUDA devices. */
  deviceCount(): number {
    return loadAddon().cudaDevices()
  },
  /**
   * The memory of a device, in bytes.
   *
   * @throws TorchPruneError `ERR_DEVICE` if it is not there, or is the CPU.
   */
  memory(device: Device | 'best' = 'cuda'): CudaMemory {
    const memory = loadAddon().cudaMemory(deviceKind.read(device, 'cuda.memory: device'))
    if (memory === undefined)
      throw new TorchPruneError('ERR_DEVICE', `cuda.memory: device must be a CUDA device, got '${device}'`)
    return memory
  },
  /** Gives memory that libtorch holds, and no tensor uses, back to the devices. */
  emptyCache(): void {
    loadAddon().cudaEmptyCache()
  },
  /**
   * The name, compute capability, memory and multiprocessors of a device. Undefined if the addon was built without the
   * headers of the CUDA runtime, which `torch-prune doctor` tells.
   *
   * @throws TorchPruneError `ERR_DEVICE` if it is not there.
   */
  properties(device: Device | 'best' = 'cuda'): CudaProperties | undefined {
    return loadAddon().cudaProperties(deviceKind.read(device, 'cuda.properties: device'))
  },
  /** Sets how CUDA computes, for the whole process, and returns what is set then. What is left out stays as it is. */
  configure(options: CudaOptions = {}): CudaSwitches {
    return loadAddon().cudaConfigure(readOptions('cuda.configure', switches, options))
  },
  /** Whether this build captures training steps as CUDA graphs. */
  capturesSteps(): boolean {
    return loadAddon().cudaGraphs()
  },
}
