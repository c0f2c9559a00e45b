/** What a scope looks after. */
interface Owned {
  dispose(): void
}

/** The tensors made while one scope is the innermost. */
interface Frame {
  readonly owned: Set<Owned>
  readonly outer: Frame | undefined
}

let innermost: Frame | undefined

/** Puts a new tensor into the innermost scope, if there is one. */
export function enroll(tensor: Owned): void {
  innermost?.owned.add(tensor)
}

/** Takes a tensor out of whichever scope it is in. */
export function release(tensor: Owned): void {
  for (let frame = innermost; frame !== undefined; frame = frame.outer) {
    if (frame.owned.delete(tensor)) return
  }
}

/**
 * Runs `body` in a scope of its own and disposes of what it made, except `survivors(result)`: these come back
 * outside every scope. When `body` or `survivors` throws, all is disposed of.
 */
export function runScope<Result>(
  body: () => Result,
  survivors: (result: Result) => ReadonlySet<Owned>,
): { result: Result; kept: Owned[] } {
  const frame: Frame = { owned: new Set(), outer: innermost }
  innermost = frame
  let kept: Owned[] = []
  try {
    const result = body()
    const wanted = survivors(result)
    kept = [...frame.owned].filter((tensor) => wanted.has(tensor))
    for (const tensor of kept) frame.owned.delete(tensor)
    return { result, kept }
  } finally {
    innermost = frame.outer
    for (const tensor of frame.owned) tensor.dispose()
  }
}
