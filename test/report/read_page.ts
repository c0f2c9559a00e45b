import { readFile } from 'node:fs/promises'
import { expect } from 'chai'
import { parseHTML } from 'linkedom'

/** What these tests read of a page. */
export interface Element {
  readonly id: string
  readonly textContent: string
  getAttribute(name: string): string | null
  querySelector(selector: string): Element | null
  querySelectorAll(selector: string): Iterable<Element>
}

export async function read(path: string): Promise<{ text: string; page: Element }> {
  const text = await readFile(path, 'utf8')
  return { text, page: parsed(text) }
}

export function parsed(text: string): Element {
  return (parseHTML(text) as unknown as { document: Element }).document
}

export function all(page: Element, selector: string): Element[] {
  return [...page.querySelectorAll(selector)]
}

export function rows(table: Element): string[][] {
  return all(table, 'tbody tr').map((row) => all(row, 'th,td').map(({ textContent }) => textContent))
}

export function figure(page: Element, id: string): Element {
  const found = all(page, 'figure').find((each) => each.querySelector(`svg[id="${id}"]`))
  return found ?? expect.fail(`there is no figure ${id}`)
}
