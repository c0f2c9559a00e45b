/** What stands in a file beside a weight, after its name: `fc1.weight_mask`. */
export const MASK = '_mask'
/** Which of the values that weights share each of them has, 0 where it is pruned. */
export const INDEX = '_index'
/** Those values by index. */
export const CODEBOOK = '_codebook'

/** The name of the weight that something stands beside; other names as they are. */
export function besideWhat(name: string): string {
  return name.replace(/_(mask|index|codebook)$/, '')
}
