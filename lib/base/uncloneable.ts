/**
 * An object backed by native memory keeps this in a field, so that `structuredClone()` and `postMessage()` reject the
 * object with a `DataCloneError` that shows `instead`. Otherwise they would pass on `{}`.
 */
export function uncloneable(instead: string): symbol {
  // Symbols cannot be cloned, and the error shows their description.
  return Symbol(instead)
}
