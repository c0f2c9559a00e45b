import { energyByLayer, type SparseLayer, total } from '../cost.js'
import type { Figure } from '../figure.js'
import { formatEnergy } from '../quantities.js'
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
