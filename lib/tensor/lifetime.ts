/** An object that a scope disposes of. */
interface Owned {
  dispose(): void
}

/** The tensors that are made while one scope is the innermost. */
interface Frame {
  readonly owned: Set<Owned>
  readonly outer: Frame | undefined
}

let innermost: Frame | undefined

/**
 * If this many tensors are made outside of every scope in one turn of the event loop and kept, they have probably been
 * forgotten.
 */
const MANY = 4000
/** The tensors made outside of every scope in this turn of the event loop, minus those that were disposed of. */
let loose = 0
let warned = false

/** Adds a new tensor to the innermost scope, if there is one. */
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
    `${MANY} tensors were made in one turn of the event loop and not disposed of. None of their ` +
      "memory can be freed before the next turn: put the loop's body into scope(() => { … }), or dispose of what it makes.",
    { type: 'TorchPruneWarning', code: 'TORCH_PRUNE_FORGOTTEN_TENSORS' },
  )
}

/** Takes a tensor out of the scope that it is in, if any. */
export function release(tensor: Owned): void {
  for (let frame = innermost; frame !== undefined; frame = frame.outer) {
    if (frame.owned.delete(tensor)) return
  }
  if (loose > 0) loose--
}

/**
 * Runs `body` in a scope of its own and disposes of the tensors that it made, except for `survivors(result)`, which end
 * up outside of every scope. If `body` or `survivors` throws, all of them are disposed of.
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
