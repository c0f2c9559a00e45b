import { parseHTML } from 'linkedom'

const NAMESPACE = 'http://www.w3.org/2000/svg'

/** The part of a document that drawing needs; the browser's types are not available in a service. */
export interface SvgDocument {
  createElementNS(namespace: string, name: string): SvgElement
}

/** The part of an element that drawing needs. */
export interface SvgElement {
  setAttribute(name: string, value: string): void
  removeAttribute(name: string): void
  appendChild(child: SvgElement): void
  prepend(child: SvgElement): void
  querySelector(selector: string): SvgElement | null
  remove(): void
  textContent: string
  readonly outerHTML: string
}

/** Attributes by name. */
export type SvgAttributes = Readonly<Record<string, string | number>>

/** Makes an empty document. */
export function createDocument(): SvgDocument {
  return (parseHTML('<!doctype html><html></html>') as unknown as { document: SvgDocument }).document
}

/** Makes an SVG element with text or with child elements. */
export function createSvg(
  document: SvgDocument,
  name: string,
  attributes: SvgAttributes,
  children: string | readonly SvgElement[] = [],
): SvgElement {
  const element = document.createElementNS(NAMESPACE, name)
  setAttributes(element, attributes)
  if (typeof children === 'string') element.textContent = children
  else for (const child of children) element.appendChild(child)
  return element
}

/** Sets attributes of an element. */
export function setAttributes(element: SvgElement, attributes: SvgAttributes): void {
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value))
}

/**
 * Serializes an element as a separate drawing, with numbers rounded to hundredths of a pixel, which is precise enough
 * and half the size.
 */
export function svgText(element: SvgElement): string {
  element.setAttribute('xmlns', NAMESPACE)
  return element.outerHTML.replace(/-?\d+\.\d{3,}(?=[^<>]*>)/g, (number) =>
    String(+Number(number).toFixed(2)),
  )
}
