import { expect } from 'chai'
import {
  applyCriterion,
  criteria,
  type LayerForm,
  manualSeed,
  models,
  type Network,
  network,
  nn,
  noGrad,
  randn,
  type Tensor,
} from '../../lib/index.js'

/** Networks of every shape that a plan takes apart, pruned to a quarter. */
export const NETWORKS: Readonly<Record<string, () => Network>> = {
  'lenet-300-100': () => models.lenet300100({ seed: 1 }) as unknown as Network,
  'lenet-5': () => models.lenet5({ seed: 1 }) as unknown as Network,
  'convolutions of all kinds': () =>
    network([4, 11, 9], {
      plain: nn.conv2d(4, 6, 3, { padding: 1 }),
      norm: nn.batchNorm2d(6),
      act: nn.relu(),
      strided: nn.conv2d(6, 8, [5, 3], { stride: [2, 3], padding: [2, 0] }),
      six: nn.relu6(),
      dilated: nn.conv2d(8, 8, 2, { dilation: 2, padding: 2, bias: false }),
      grouped: nn.conv2d(8, 12, 3, { groups: 4, padding: 1 }),
      pool: nn.maxPool2d(2),
      one: nn.conv2d(12, 5, 1),
      flat: nn.flatten(),
      fc: nn.linear(5 * 4 * 2, 7),
      drop: nn.dropout(0.5),
      out: nn.linear(7, 3),
    }) as unknown as Network,
  'sums of a layer and what is made of it': () =>
    network([3, 8, 8], {
      stem: nn.conv2d(3, 8, 3, { padding: 1 }),
      bn: nn.batchNorm2d(8),
      relu: nn.relu(),
      a: nn.conv2d(8, 8, 3, { padding: 1, bias: false }),
      abn: nn.batchNorm2d(8),
      // Read twice, so that nothing may go into `a` that only one reader sees.
      twice: nn.relu({ from: 'a' }),
      add: nn.add('abn', 'relu', 'twice'),
      after: nn.relu(),
      avg: nn.adaptiveAvgPool2d(1),
      flat: nn.flatten(),
      fc: nn.linear(8, 4),
    }) as unknown as Network,
}

/** One of them, pruned, with batch statistics that do something. */
export async function pruned(name: string, density = 0.25): Promise<Network> {
  return await prunedTo(NETWORKS[name]!(), density)
}

/** A network of one's own, pruned, with batch statistics that do something. */
export async function prunedTo(made: Network, density: number): Promise<Network> {
  for (const tensor of made.tensorNames() as string[]) {
    if (tensor.endsWith('running_mean')) made.tensor(tensor).add_(0.2)
    if (tensor.endsWith('running_var')) made.tensor(tensor).mul_(1.5)
  }
  if (density < 1) await applyCriterion(made, criteria.magnitude().density(density))
  return made
}

/** Samples, and what the network makes of them by itself. */
export function expected(network: Network, count: number) {
  manualSeed(3)
  using samples = randn([count, ...network.inputShape])
  using outputs = noGrad(() => network.forward(samples))
  const floats = (of: Tensor) => Float32Array.from(of.flatten().toArray() as number[])
  return { samples: floats(samples), outputs: floats(outputs) }
}

export function expectClose(
  actual: Float32Array,
  wanted: Float32Array,
  what: string,
  tolerance = 1e-5,
): void {
  expect(actual.length, what).to.equal(wanted.length)
  for (const [i, value] of wanted.entries()) {
    if (Math.abs(actual[i]! - value) <= tolerance + tolerance * Math.abs(value)) continue
    expect.fail(`${what}: ${actual[i]} at ${i}, the network has ${value}`)
  }
}

/** What may be chosen from: one form each, and all of them. */
export const FORMS: readonly (readonly LayerForm[])[] = [
  ['dense'],
  ['packed'],
  ['csr'],
  ['sparse'],
  ['shared'],
  [],
]
