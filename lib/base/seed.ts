/**
 * Derives a seed for one part of a run from the run's seed, so that parts do not share random numbers and a resumed run
 * draws what an uninterrupted one would (splitmix32 over the numbers of the path).
 */
export function deriveSeed(seed: number, ...path: readonly number[]): number {
  let state = seed >>> 0
  for (const part of [Math.floor(seed / 2 ** 32), ...path]) {
    state = mix((state ^ Math.imul(part | 0, 0x9e3779b9)) >>> 0)
  }
  return state
}

function mix(value: number): number {
  let z = (value + 0x9e3779b9) | 0
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
  return (z ^ (z >>> 15)) >>> 0
}
