/**
 * What an object with native memory behind it keeps as a field, so that `structuredClone()` and `postMessage()`
 * refuse it with a `DataCloneError` that says `instead`. They would otherwise hand over `{}`.
 */
export function uncloneable(instead: string): symbol {
  // Symbols cannot be cloned, and the error shows their description.
  return Symbol(instead)
}
