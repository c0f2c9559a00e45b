import { type BeforeAfter, bytesByLayer, energyByLayer, type SparseLayer, total } from '../cost.js'
import type { Figure } from '../figure.js'
import { formatBytes, formatEnergy } from '../quantities.js'
import { beforeAfterFigure } from './before_after.js'

/** The energy of an inference with weights in either memory, before and after pruning. */
export function energyFigure(layers: readonly SparseLayer[]): Figure {
  const memories = (['dram', 'sram'] as const).map((memory) => {
    const parts = energyByLayer(layers, memory)
    const name = memory.toUpperCase()
    return {
      total: total(`from ${name}`, parts),
      parts: parts.map((part) => ({ ...part, name: `${part.name}, ${name}` })),
    }
  })
  return beforeAfterFigure({
    id: 'energy',
    title: 'Estimated energy per inference',
    caption:
      'For one input, at 45 nm: 0.9 pJ per addition, 3.7 pJ per multiplication, and each weight read once as 32 bits ' +
      'for 640 pJ from DRAM or 5 pJ from SRAM. The pruned network reads its kept weights with their indices, and ' +
      'multiplies them only by non-zero inputs. Moving activations is not counted.',
    label: 'energy',
    format: formatEnergy,
    rows: memories.map(({ total }) => total),
    all: memories.flatMap(({ total, parts }) => [total, ...parts]),
  })
}

/** The size of the network on disk. `parameters` is its total number of parameters. */
export function bytesFigure(layers: readonly SparseLayer[], parameters: number): Figure {
  const parts = bytesByLayer(layers)
  const connections = layers.reduce((sum, { weights }) => sum + weights, 0)
  const others = 4 * Math.max(0, parameters - connections)
  const rest: BeforeAfter = { name: 'biases', dense: others, pruned: others }
  const kept = layers.reduce((sum, layer) => sum + layer.kept, 0)
  const fillers = layers.reduce((sum, { entries }) => sum + entries, 0) - kept
  return beforeAfterFigure({
    id: 'bytes',
    title: 'Bytes',
    caption:
      'The dense network as float32. The pruned one as sparse rows of float32, each weight with its distance from ' +
      'the previous one in 5 bits (8 in CONV layers), 32 bits per row to find it, and all biases. ' +
      `${fillers === 0 ? 'No' : fillers.toLocaleString('en')} ${fillers === 1 ? 'zero bridges a distance' : 'zeros bridge distances'} too long for the bits.`,
    label: 'bytes',
    format: formatBytes,
    rows: [total('all', [...parts, rest]), ...parts],
    all: [total('all', [...parts, rest]), ...parts, rest],
  })
}
