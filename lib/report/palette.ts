import { ENGINES, type EngineName } from '../runs/bench_record.js'

/**
 * Colors by role, in light and in dark. The contrast of series with the background is 3:1 or more, that of text 4.5:1
 * or more.
 */
const COLORS = {
  background: ['#ffffff', '#14171c'],
  raised: ['#f5f6f8', '#1d2128'],
  ink: ['#1c2024', '#e8eaed'],
  muted: ['#5b6470', '#a3adb9'],
  line: ['#d5d9df', '#39404a'],
  shade: ['#b9c0c9', '#000000'],
  'series-1': ['#1462b8', '#69b1ff'],
  'series-2': ['#c2410c', '#ff9a5c'],
  'series-3': ['#0b7a5b', '#4fd1a5'],
  'series-4': ['#8636a8', '#d6a4f2'],
  'series-5': ['#8a6500', '#e6c453'],
  'series-6': ['#b4235a', '#ff8fb8'],
} as const satisfies Record<string, readonly [light: string, dark: string]>

/** The role of a color. */
export type ColorName = keyof typeof COLORS

const SERIES = 6
const DASHES = ['', '6 3', '2 3'] as const
const SYMBOLS = ['circle', 'square', 'diamond', 'triangle', 'star', 'cross'] as const

/** A color that follows the reader's color scheme. */
export function color(name: ColorName): string {
  return `var(--${name})`
}

/**
 * How a series is drawn. Symbols and dashes distinguish series as well, for readers who cannot see colors and for
 * printers without color.
 */
export interface SeriesStyle {
  readonly color: string
  readonly symbol: (typeof SYMBOLS)[number]
  /** The dash pattern; `''` for a solid line. */
  readonly dash: string
}

/** The style of the series with this index, from 0; styles repeat after 18. */
export function seriesStyle(index: number): SeriesStyle {
  return {
    color: color(`series-${(index % SERIES) + 1}` as ColorName),
    symbol: SYMBOLS[index % SYMBOLS.length]!,
    dash: DASHES[Math.floor(index / SERIES) % DASHES.length]!,
  }
}

/** The states of a network in a run, in order. */
const STATES = ['dense', 'pruned', 'retrained', 'quantized'] as const

/** What a run has done to a network so far. */
export type State = (typeof STATES)[number]

/** The style of a state, which is the same in all charts of a run. */
export function stateStyle(state: State): SeriesStyle {
  return seriesStyle(STATES.indexOf(state))
}

/** The style of an engine, which is the same in all charts. */
export function engineStyle(engine: EngineName): SeriesStyle {
  return seriesStyle(ENGINES.indexOf(engine))
}

/** The colors as custom properties of the root element: light, dark if the reader prefers that, and light on paper. */
export function paletteCss(): string {
  const [light, dark] = [declarations(0), declarations(1)]
  return [
    `:root{color-scheme:light dark;${light}}`,
    `@media (prefers-color-scheme:dark){:root{${dark}}}`,
    `@media print{:root{color-scheme:light;${light}}}`,
  ].join('')
}

/** The same drawing in plain light colors, for programs that do not support custom properties. */
export function inLightColors(svg: string): string {
  return svg.replace(/var\(--([\w-]+)\)/g, (whole, name: string) =>
    Object.hasOwn(COLORS, name) ? COLORS[name as ColorName][0] : whole,
  )
}

function declarations(scheme: 0 | 1): string {
  return Object.entries(COLORS)
    .map(([name, colors]) => `--${name}:${colors[scheme]}`)
    .join(';')
}
