import { prefix } from '../nn/graph.js'
import { add, batchNorm2d, conv2d, type Layer, relu } from '../nn/layers/index.js'

/**
 * The blocks of residual networks (He et al. 2015). Each is named after its group of modules in PyTorch, reads `from`,
 * which must be the layer before it, and ends in `<name>.relu`. Blocks with a projection change the number of channels
 * or the size, also on their shortcut. `shortcut` names the shortcut's modules: torchvision calls them `downsample`,
 * others `shortcut`.
 */
interface Projection<S extends string> {
  readonly shortcut: S
  readonly into: number
  readonly stride?: number
}

/** A block of two 3×3 convolutions. */
export function basic<const P extends string, const F extends string>(name: P, from: F, channels: number) {
  return {
    ...basicBranch(name, channels, channels, 1),
    ...sum(name, `${name}.bn2`, from),
  }
}

/** A block of two 3×3 convolutions with a projection on its shortcut. */
export function basicProjected<const P extends string, const F extends string, const S extends string>(
  name: P,
  from: F,
  channels: number,
  { shortcut, into, stride = 2 }: Projection<S>,
) {
  return {
    ...basicBranch(name, into, channels, stride),
    ...projection(`${name}.${shortcut}`, from, into, channels, stride),
    ...sum(name, `${name}.bn2`, `${name}.${shortcut}.1`),
  }
}

/**
 * A block of 1×1, 3×3 and 1×1 convolutions, of which the last has four times the channels. The stride is in the middle
 * one.
 */
export function bottleneck<const P extends string, const F extends string>(
  name: P,
  from: F,
  channels: number,
) {
  return {
    ...bottleneckBranch(name, 4 * channels, channels, 1),
    ...sum(name, `${name}.bn3`, from),
  }
}

/** A bottleneck block with a projection on its shortcut. */
export function bottleneckProjected<const P extends string, const F extends string, const S extends string>(
  name: P,
  from: F,
  channels: number,
  { shortcut, into, stride = 2 }: Projection<S>,
) {
  return {
    ...bottleneckBranch(name, into, channels, stride),
    ...projection(`${name}.${shortcut}`, from, into, 4 * channels, stride),
    ...sum(name, `${name}.bn3`, `${name}.${shortcut}.1`),
  }
}

function basicBranch<const P extends string>(name: P, into: number, channels: number, stride: number) {
  return prefix(name, {
    conv1: conv2d(into, channels, 3, { stride, padding: 1, bias: false }),
    bn1: batchNorm2d(channels),
    relu1: relu(),
    conv2: conv2d(channels, channels, 3, { padding: 1, bias: false }),
    bn2: batchNorm2d(channels),
  })
}

function bottleneckBranch<const P extends string>(name: P, into: number, channels: number, stride: number) {
  return prefix(name, {
    conv1: conv2d(into, channels, 1, { bias: false }),
    bn1: batchNorm2d(channels),
    relu1: relu(),
    conv2: conv2d(channels, channels, 3, { stride, padding: 1, bias: false }),
    bn2: batchNorm2d(channels),
    relu2: relu(),
    conv3: conv2d(channels, 4 * channels, 1, { bias: false }),
    bn3: batchNorm2d(4 * channels),
  })
}

function projection<const P extends string, const F extends string>(
  name: P,
  from: F,
  into: number,
  channels: number,
  stride: number,
) {
  return {
    ...named(`${name}.0`, conv2d(into, channels, 1, { stride, bias: false, from })),
    ...named(`${name}.1`, batchNorm2d(channels)),
  }
}

function sum<const P extends string, const A extends string, const B extends string>(name: P, a: A, b: B) {
  return { ...named(`${name}.add`, add<A | B>(a, b)), ...named(`${name}.relu`, relu()) }
}

/**
 * Makes an object that has the layer under its name. With just a computed key, the compiler would know it only as a
 * `string`.
 */
export function named<const N extends string, L extends Layer>(name: N, layer: L) {
  return { [name]: layer } as { readonly [K in N]: L }
}
