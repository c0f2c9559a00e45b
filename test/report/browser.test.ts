import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { writeReport } from '../../lib/report/report.js'
import { writeBench } from '../../lib/runs/bench_record.js'
import { writeSensitivity } from '../../lib/runs/sensitivity_record.js'
import { writeTradeoff } from '../../lib/runs/tradeoff_record.js'
import { ask, launchBrowser, noBrowser } from '../support/chromium.js'
import { writeTinyRun } from './run_folder.js'
import { benchExample, sensitivityExample, tradeoffExample } from './studies.js'

describe(`the report in a browser${noBrowser}`, () => {
  let dir: string
  let url: string
  let browser: Browser

  before(async function () {
    if (noBrowser !== '') return this.skip()
    dir = await mkdtemp(join(tmpdir(), 'torch-prune-browser-'))
    await writeTinyRun(dir, { recipe: 'lenet-300-100' })
    await writeSensitivity(dir, sensitivityExample)
    await writeTradeoff(dir, tradeoffExample)
    await writeBench(dir, benchExample)
    url = pathToFileURL(await writeReport(dir)).href
    browser = await launchBrowser()
  })

  after(async () => {
    await browser?.close()
    if (dir !== undefined) await rm(dir, { recursive: true, force: true })
  })

  /** Opens the report, and expects neither a word in the console nor a request for anything but the file. */
  async function open(options: BrowserContextOptions, read: (page: Page) => Promise<void>): Promise<void> {
    const context = await browser.newContext(options)
    const complaints: string[] = []
    const requests: string[] = []
    const page = await context.newPage()
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('request', (request) => requests.push(request.url()))
    try {
      await page.goto(url)
      await read(page)
      expect(complaints).to.deep.equal([])
      expect(requests.filter((each) => !each.startsWith('data:'))).to.deep.equal([url])
    } finally {
      await context.close()
    }
  }

  /** The colors of a computed style as red, green and blue. */
  function channels(color: string): number[] {
    return [...color.matchAll(/\d+/g)].slice(0, 3).map(Number)
  }

  for (const scheme of ['light', 'dark'] as const) {
    it(`is readable in a ${scheme} scheme`, async () => {
      await open({ colorScheme: scheme }, async (page) => {
        const [background, text, series] = await ask<string[]>(
          page,
          `[getComputedStyle(document.body).backgroundColor,
            getComputedStyle(document.querySelector('figure svg text')).fill,
            getComputedStyle(document.querySelector('#error path[stroke-width]') ??
              document.querySelector('#error g[stroke-width]')).stroke]`,
        )
        expect(contrast(channels(background!), channels(text!))).to.be.greaterThan(7)
        expect(contrast(channels(background!), channels(series!))).to.be.greaterThan(3)
        expect(channels(background!)[0]! > 128).to.equal(scheme === 'light')
      })
    })
  }

  it('fits a phone: nothing is wider than the screen, and text in charts stays large enough', async () => {
    await open({ viewport: { width: 390, height: 844 } }, async (page) => {
      expect(await ask<number>(page, 'document.documentElement.scrollWidth')).to.equal(390)
      const sizes = await ask<number[]>(
        page,
        `[...document.querySelectorAll('figure svg')].map((svg) => {
          const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width
          return scale * parseFloat(getComputedStyle(svg.querySelector('text')).fontSize)
        })`,
      )
      expect(Math.min(...sizes)).to.be.greaterThan(9)
    })
  })

  it('clips no text of a chart, at the width of a desk or of a phone', async () => {
    for (const width of [1200, 390]) {
      await open({ viewport: { width, height: 800 } }, async (page) => {
        const clipped = await ask<string[]>(
          page,
          `[...document.querySelectorAll('figure')].flatMap((figure) => {
            const room = figure.getBoundingClientRect()
            return [...figure.querySelectorAll('svg text')].filter((text) => {
              const box = text.getBoundingClientRect()
              return box.width > 0 && (box.left < room.left || box.right > room.right || box.top < room.top)
            }).map((text) => figure.querySelector('h2').textContent + ': ' + text.textContent)
          })`,
        )
        expect(clipped).to.deep.equal([])
      })
    }
  })

  it('shows the numbers of a chart when asked, without scripts', async () => {
    await open({ javaScriptEnabled: false }, async (page) => {
      const details = page.locator('figure details').first()
      expect(await details.locator('table').isVisible()).to.equal(false)
      await details.locator('summary').click()
      expect(await details.locator('table').isVisible()).to.equal(true)
    })
  })

  it('is light on paper, also for readers of a dark scheme', async () => {
    await open({ colorScheme: 'dark' }, async (page) => {
      await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
      const background = await ask<string>(page, 'getComputedStyle(document.body).backgroundColor')
      expect(channels(background)).to.deep.equal([255, 255, 255])
      const pdf = await page.pdf({ format: 'A4' })
      expect(pdf.subarray(0, 5).toString()).to.equal('%PDF-')
    })
  })
})

/** The contrast of two colors as WCAG 2 counts it. */
function contrast(one: readonly number[], other: readonly number[]): number {
  const luminance = (color: readonly number[]) => {
    const [r, g, b] = color.map((channel) => {
      const share = channel / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!
  }
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (light! + 0.05) / (dark! + 0.05)
}
