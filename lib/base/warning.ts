/** The limit for distinct texts: more would help nobody, and some texts contain figures that change with each call. */
const MOST = 100

const said = new Set<string>()

/** Warns through `process.emitWarning`, under the name `TorchPruneWarning`, once per text. */
export function warnOnce(text: string): void {
  if (said.has(text) || said.size >= MOST) return
  said.add(text)
  process.emitWarning(text, 'TorchPruneWarning')
}
