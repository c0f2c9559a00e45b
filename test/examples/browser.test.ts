import { readFileSync, statSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { expect } from 'chai'
import type { Browser, Page } from 'playwright-core'
import { findMnist, readIdx } from '../../lib/data/idx.js'
import { PACKAGE } from '../../lib/install/home.js'
import { ask, launchBrowser, noBrowser } from '../support/chromium.js'

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.css': 'text/css',
  '.js': 'text/javascript',
}
const IMAGES = 300
const PIXELS = 28 * 28

describe(`examples/browser${noBrowser}`, () => {
  let server: Server
  let browser: Browser
  let page: Page
  let url: string
  const complaints: string[] = []

  before(async function () {
    if (noBrowser !== '') return this.skip()
    server = createServer(({ url = '' }, response) => {
      const path = url.endsWith('/') ? `${url}index.html` : url
      try {
        const bytes = readFileSync(join(PACKAGE, path))
        response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream').end(bytes)
      } catch {
        response.writeHead(404).end()
      }
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/examples/browser/`
    browser = await launchBrowser()
  })

  beforeEach(async () => {
    page = await browser.newPage({ viewport: { width: 390, height: 844 } })
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    await page.goto(url)
    await page.getByText('plain JavaScript').waitFor()
  })

  afterEach(async () => {
    await page?.close()
    expect(complaints.splice(0)).to.deep.equal([])
  })

  after(async () => {
    await browser?.close()
    server?.close()
  })

  /** Draws a stroke with the mouse, through points in shares of the pad. */
  async function draw(points: readonly (readonly [x: number, y: number])[]): Promise<void> {
    const { x, y, width, height } = (await page.locator('#pad').boundingBox())!
    const [first, ...others] = points.map(([right, down]) => [x + right * width, y + down * height] as const)
    await page.mouse.move(...first!)
    await page.mouse.down()
    for (const point of others) await page.mouse.move(...point, { steps: 5 })
    await page.mouse.up()
  }
  const answer = () => page.locator('#answer').textContent()
  const answered = (digit: string) => page.locator('#answer', { hasText: digit }).waitFor()

  it('says how large the file is, and the dense network', async () => {
    const { size } = statSync(join(PACKAGE, 'networks/lenet-300-100.tpz'))
    expect(size).to.be.below(10_000)
    expect(await page.locator('#file').textContent()).to.equal(`${size.toLocaleString('en')} bytes`)
    // LeNet-300-100 has 266,610 weights and biases.
    expect(await page.locator('#dense').textContent()).to.equal('1,066,440 bytes')
  })

  it('recognizes what is drawn, large or small and anywhere, and forgets what is cleared', async () => {
    expect(await answer()).to.equal('?')
    await draw([
      [0.55, 0.1],
      [0.45, 0.9],
    ])
    await answered('1')
    await page.locator('#facts', { hasText: /^\d+ times smaller · \d+\.\d\d ms / }).waitFor()
    await page.getByRole('button', { name: 'Clear' }).click()
    expect(await answer()).to.equal('?')
    await draw([
      [0.7, 0.6],
      [0.85, 0.6],
      [0.75, 0.85],
    ])
    await answered('7')
    expect(await page.locator('li[aria-current=true] b').textContent()).to.equal('7')
  })

  it('follows a finger, which does not scroll the page', async () => {
    const context = await browser.newContext({ hasTouch: true, viewport: { width: 390, height: 500 } })
    try {
      const phone = await context.newPage()
      await phone.goto(url)
      await phone.getByText('plain JavaScript').waitFor()
      const { x, y, width, height } = (await phone.locator('#pad').boundingBox())!
      const client = await context.newCDPSession(phone)
      const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', down: number) => {
        const touchPoints = type === 'touchEnd' ? [] : [{ x: x + 0.5 * width, y: y + down * height }]
        return client.send('Input.dispatchTouchEvent', { type, touchPoints })
      }
      await touch('touchStart', 0.9)
      for (const down of [0.8, 0.6, 0.4, 0.2]) await touch('touchMove', down)
      await touch('touchEnd', 0)
      await phone.locator('#answer', { hasText: '1' }).waitFor()
      expect(await ask<number>(phone, 'scrollY')).to.equal(0)
    } finally {
      await context.close()
    }
  })

  it('recognizes its own example of each digit', async () => {
    const found: (string | null)[] = []
    for (let i = 0; i < 10; i++) {
      await page.getByRole('button', { name: 'Draw one for me' }).click()
      found.push(await answer())
    }
    expect(found.join('')).to.equal('3456789012')
  })

  it('recognizes images of MNIST’s test set', async () => {
    const dir = await findMnist()
    const [images, labels] = await Promise.all([
      readIdx(join(dir, 't10k-images-idx3-ubyte'), { dims: 3 }),
      readIdx(join(dir, 't10k-labels-idx1-ubyte'), { dims: 1 }),
    ])
    const pixels = Buffer.from(images.data.subarray(0, IMAGES * PIXELS)).toString('base64')
    const found = await page.evaluate<number[]>(`(async () => {
      const { loadNetwork } = await import('./network.js')
      const network = await loadNetwork('../../networks/lenet-300-100.tpz')
      const pixels = Float32Array.from(atob('${pixels}'), (letter) => letter.charCodeAt(0) / 255)
      return Array.from({ length: ${IMAGES} }, (_, i) => {
        const probabilities = network.recognize(pixels.subarray(${PIXELS} * i, ${PIXELS} * (i + 1)))
        return probabilities.indexOf(Math.max(...probabilities))
      })
    })()`)
    expect(found.filter((digit, i) => digit !== labels.data[i]).length).to.be.below(0.03 * IMAGES)
  })

  it('fits a phone, and says so where the network is missing', async () => {
    expect(await ask<number>(page, 'document.documentElement.scrollWidth')).to.equal(390)
    await page.route('**/*.tpz', (route) => route.fulfill({ status: 404 }))
    await page.reload()
    await page.getByText('lenet-300-100.tpz did not load: 404').waitFor()
    // The console names the file and the error; nothing else is wrong.
    expect(complaints.splice(0).every((text) => /404/.test(text))).to.equal(true)
  })
})
