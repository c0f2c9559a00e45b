/** How far two float32 tensors are from each other. */
export interface Difference {
  readonly name: string
  readonly elements: number
  readonly identical: boolean
  /** max |ours − theirs|; NaN if any element is NaN. */
  readonly most: number
  /** max |theirs|. */
  readonly largest: number
  /** `most / largest`; 0 if all elements are equal. */
  readonly ratio: number
}

/** Compares two float32 tensors, given as bytes; throws if their sizes differ. */
export function difference(name: string, ours: Uint8Array, theirs: Uint8Array): Difference {
  if (ours.byteLength !== theirs.byteLength) {
    throw new Error(`${name}: ${ours.byteLength} bytes on our side, ${theirs.byteLength} on Python's`)
  }
  const [a, b] = [floats(ours), floats(theirs)]
  let most = 0
  let largest = 0
  for (let i = 0; i < a.length; i++) {
    most = Math.max(most, Math.abs(a[i]! - b[i]!))
    largest = Math.max(largest, Math.abs(b[i]!))
  }
  const ratio = most === 0 ? 0 : most / largest
  return { name, elements: a.length, identical: Buffer.compare(ours, theirs) === 0, most, largest, ratio }
}

function floats(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
}
