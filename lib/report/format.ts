/** Formats a count with three significant digits and K, M or B, as in papers: 266610 is `267K`, 10.3e6 is `10.3M`. */
export function formatCount(value: number): string {
  if (!Number.isFinite(value)) return '–'
  let rounded = Number(value.toPrecision(3))
  let unit = 0
  while (Math.abs(rounded) >= 1000 && unit < UNITS.length - 1) {
    rounded = Number((rounded / 1000).toPrecision(3))
    unit++
  }
  return `${rounded}${UNITS[unit]}`
}

/**
 * Formats a percentage: 1.59 is `1.59%`. A fraction such as a density has to be multiplied by 100 first. `decimals`
 * defaults to 2.
 */
export function formatPercent(percent: number, decimals = 2): string {
  return Number.isFinite(percent) ? `${percent.toFixed(decimals)}%` : '–'
}

/** Formats a ratio, with one decimal below 100: 12.1 is `12.1×`, 12 is `12×`, 108.4 is `108×`. */
export function formatRatio(ratio: number): string {
  if (!Number.isFinite(ratio)) return '–'
  return `${Number(ratio.toFixed(Math.abs(ratio) < 99.95 ? 1 : 0))}×`
}

/** Formats a duration with its two largest units: `45ms`, `3.4s`, `12s`, `1m 21s`, `2h 5m`. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–'
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)}ms`
  if (seconds < 9.95) return `${Number(seconds.toFixed(1))}s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole}s`
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${whole % 60}s`
  const minutes = Math.round(seconds / 60)
  return `${Math.floor(minutes / 60)}h ${minutes % 60}m`
}

/** Formats a time that is given in milliseconds: 0.0424 is `42.4µs`, 1.5 is `1.50ms`, 12 is `12.0ms`. */
export function formatMilliseconds(value: number): string {
  return value < 0.1 ? `${(1000 * value).toFixed(1)}µs` : `${value.toFixed(value < 10 ? 2 : 1)}ms`
}

const UNITS = ['', 'K', 'M', 'B', 'T']
