/** Formats energy with three significant digits and a fitting unit: 170.6e6 pJ is `171 µJ`. */
export function formatEnergy(picojoules: number): string {
  return scaled(picojoules, ['pJ', 'nJ', 'µJ', 'mJ', 'J'])
}

/** Formats bytes with three significant digits and a fitting decimal unit: 1066440 is `1.07 MB`. */
export function formatBytes(bytes: number): string {
  return scaled(bytes, ['B', 'kB', 'MB', 'GB', 'TB'])
}

function scaled(value: number, units: readonly string[]): string {
  let rounded = Number(value.toPrecision(3))
  let unit = 0
  while (rounded >= 1000 && unit < units.length - 1) {
    rounded = Number((rounded / 1000).toPrecision(3))
    unit++
  }
  return `${rounded} ${units[unit]}`
}
