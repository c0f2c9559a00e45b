import { quoted, refuse } from '../base/files.js'
import { HeldTensors } from '../tensor/held.js'
import { type Argument, invokeLater } from '../tensor/invoke.js'
import { Tensor } from '../tensor/tensor.js'
import { CODEBOOK, INDEX, MASK } from './beside.js'

/**
 * Throws `ERR_FILE` where a weight is not made of the shared values that stand beside it, by their index, or its mask
 * keeps others. `tensors` are a file's, all of which fit the network.
 */
export async function checkShared(
  weight: string,
  tensors: ReadonlyMap<string, Tensor>,
  path: string,
): Promise<void> {
  const [index, codebook, mask] = [INDEX, CODEBOOK, MASK].map((beside) => tensors.get(weight + beside))
  if (index === undefined || codebook === undefined) return
  using held = new HeldTensors()
  const later = async (operator: string, ...values: Argument[]) =>
    held.use(Tensor.wrap(await invokeLater(operator, ...values)))
  const holds = async (flags: Tensor) => Boolean((await later('all', flags)).item())
  const wrong = (what: string): never => refuse(path, `${quoted(weight)} ${what}`, 'write it again')
  const [values] = codebook.shape as [number]
  const inside = await later('lt.Scalar', index, values)
  if (!(await holds(inside)) || !(await holds(await later('ge.Scalar', index, 0)))) {
    wrong(`has an index outside of the ${values} values that it shares`)
  }
  const flat = held.use(index.flatten())
  const shared = await later('index_select', codebook, 0, await later('to.dtype', flat, 'int32'))
  const own = held.use(tensors.get(weight)!.flatten())
  if (!(await holds(await later('eq.Tensor', shared, own)))) wrong('is not made of the values that it shares')
  const kept = await later('ne.Scalar', index, 0)
  if (mask && !(await holds(await later('eq.Tensor', kept, await later('ne.Scalar', mask, 0))))) {
    wrong('shares values where its mask prunes, or none where it keeps')
  }
}
