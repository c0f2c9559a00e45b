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

/** So many tensors outside every scope, made in one turn of the event loop and kept, are more likely forgotten. */
const MANY = 4000
/** Tensors outside every scope that were made in this turn of the event loop, less those that were disposed of. */
let loose = 0
let warned = false

/** Puts a new tensor into the innermost scope, if there is one. */
export function enroll(tensor: Owned): void {
  if (innermost !== undefined) innermost.owned.add(tensor)
  else if (!warned) countLoose()
}

function countLoose(): void {
  if (loose === 0) {
    setImmediate(() => {
      loose = 0
    }).unref()
  }
  if (++loose < MANY) return
  warned = true
  process.emitWarning(
    `${MANY} tensors were made in one turn of the event loop and not disposed of. The collector gives none of their ` +
      "memory back before the next turn: put the loop's body into scope(() => { … }), or dispose of what it makes.",
    { type: 'TorchPruneWarning', code: 'TORCH_PRUNE_FORGOTTEN_TENSORS' },
  )
}

/** Takes a tensor out of whichever scope it is in. */
export function release(tensor: Owned): void {
  for (let frame = innermost; frame !== undefined; frame = frame.outer) {
    if (frame.owned.delete(tensor)) return
  }
  if (loose > 0) loose--
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
