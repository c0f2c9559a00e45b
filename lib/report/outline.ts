import { DOMParser } from 'linkedom'
import { GLYPHS, UNITS_PER_EM } from './glyphs.js'
import { createSvg, type SvgDocument, type SvgElement, setAttributes } from './svg.js'

/** What is needed of a text element, in addition to what drawing needs. */
interface TextElement extends SvgElement {
  readonly parentElement: TextElement | null
  readonly attributes: Iterable<{ readonly name: string; readonly value: string }>
  getAttribute(name: string): string | null
  replaceWith(other: SvgElement): void
}

interface DrawingDocument extends SvgDocument {
  querySelectorAll(selector: string): Iterable<TextElement>
}

interface Glyph {
  readonly advance: number
  readonly outline: string
}

/** The share of a text's width that is to the left of its position. */
const ANCHORS: Readonly<Record<string, number>> = { start: 0, middle: 0.5, end: 1 }

/**
 * Replaces the text in a drawing by the outlines of its letters. An image renderer then needs no font, which servers
 * often do not have, and draws the same everywhere.
 */
export function outlineText(svg: string): string {
  const document = new DOMParser().parseFromString(svg, 'image/svg+xml') as unknown as DrawingDocument
  for (const text of [...document.querySelectorAll('text')]) text.replaceWith(outlined(document, text))
  return document.toString()
}

/** Converts a text without child elements to a path with the same attributes. */
function outlined(document: SvgDocument, text: TextElement): SvgElement {
  const size = Number.parseFloat(inherited(text, 'font-size') ?? '16')
  const scale = size / UNITS_PER_EM
  const letters = [...text.textContent].map((letter) => glyphs().get(letter) ?? glyphs().get('')!)
  const width = letters.reduce((sum, { advance }) => sum + advance, 0) * scale
  const left = length(text, 'x', size) + length(text, 'dx', size)
  const baseline = length(text, 'y', size) + length(text, 'dy', size)
  let x = left - width * (ANCHORS[inherited(text, 'text-anchor') ?? 'start'] ?? 0)
  const paths = letters.flatMap(({ advance, outline }) => {
    // The outline is scaled here rather than by a transform, which would also scale the stroke around the letters.
    const data = outline === '' ? [] : [scaled(outline, scale, x, baseline)]
    x += advance * scale
    return data
  })
  const path = createSvg(document, 'path', { d: paths.join('') })
  for (const { name, value } of text.attributes) {
    if (!['x', 'y', 'dx', 'dy'].includes(name)) setAttributes(path, { [name]: value })
  }
  return path
}

/** The value of an attribute, either its own or inherited from an enclosing element. */
function inherited(element: TextElement, name: string): string | null {
  for (let at: TextElement | null = element; at !== null; at = at.parentElement) {
    const value = at.getAttribute(name)
    if (value !== null) return value
  }
  return null
}

/** A position in pixels, which may be given relative to the font size. */
function length(text: TextElement, name: string, size: number): number {
  const value = text.getAttribute(name) ?? '0'
  return Number.parseFloat(value) * (value.endsWith('em') ? size : 1)
}

/** Scales the outline of a letter and moves it into place. Its commands are M, L, H, V, Q and Z. */
function scaled(outline: string, scale: number, x: number, y: number): string {
  return outline.replace(/([MLHVQ])([^A-Z]*)/g, (_, command: string, numbers: string) => {
    const values = numbers.match(/-?\d+/g)!.map((value, i) => {
      const across = command === 'H' || (command !== 'V' && i % 2 === 0)
      return (Number(value) * scale + (across ? x : y)).toFixed(2)
    })
    return command + values.join(' ')
  })
}

let known: ReadonlyMap<string, Glyph> | undefined

function glyphs(): ReadonlyMap<string, Glyph> {
  known ??= new Map(
    GLYPHS.trim()
      .split('\n')
      .map((line) => {
        const [code, advance, ...outline] = line.split(' ')
        const letter = code === '-' ? '' : String.fromCodePoint(Number.parseInt(code!, 16))
        return [letter, { advance: Number(advance), outline: outline.join(' ') }]
      }),
  )
  return known
}
