import { spawnSync } from 'node:child_process'
import { expect } from 'chai'
import sharp from 'sharp'
import { outlineText } from '../../lib/report/outline.js'

const drawing = (content: string, attributes = '') =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 40" width="100" height="40" font-size="20" ${attributes}>${content}</svg>`

/** The columns and rows that are drawn on, first and last. */
async function extent(svg: string) {
  const { data, info } = await sharp(Buffer.from(outlineText(svg)))
    .flatten({ background: '#fff' })
    .grayscale()
    .raw()
    .toBuffer({ resolveWithObject: true })
  const drawn = [...data].flatMap((value, i) => (value < 128 ? [i] : []))
  const columns = drawn.map((i) => i % info.width)
  const rows = drawn.map((i) => Math.floor(i / info.width))
  return {
    left: Math.min(...columns),
    right: Math.max(...columns),
    top: Math.min(...rows),
    bottom: Math.max(...rows),
  }
}

describe('charts as images', () => {
  it('hold the outlines of their letters, so that no font is needed', () => {
    const svg = outlineText(
      drawing('<clipPath id="a"/><g fill="red"><text x="5" class="b">7 &lt; µ</text></g>'),
    )
    expect(svg).to.not.match(/<text|font-family/)
    expect(svg).to.match(/<g fill="red"><path [^>]*class="b"/)
    expect(svg).to.match(/<path [^>]*d="M/)
    // A parser of pages would have made this small letters.
    expect(svg).to.include('<clipPath id="a"')
  })

  it('place text as SVG does: by anchor, height of letters and a transform', async () => {
    const start = await extent(drawing('<text x="10" y="30">HH</text>'))
    expect(start.left).to.be.within(10, 13)
    expect(start.right).to.be.within(35, 41)
    expect(start.bottom).to.be.within(28, 30)
    // Capitals are 0.73 of an em high.
    expect(start.bottom - start.top + 1).to.be.within(14, 15)
    const end = await extent(drawing('<g text-anchor="end"><text x="90" y="1em">HH</text></g>'))
    expect(end.right).to.be.within(87, 90)
    expect(end.bottom).to.be.within(18, 20)
    const middle = await extent(
      drawing('<text transform="translate(50,20)" y="0.5em">HH</text>', 'text-anchor="middle"'),
    )
    expect(middle.left + middle.right).to.be.within(97, 101)
    expect(middle.bottom).to.be.within(28, 30)
  })

  it('draw a box for a letter that is not among the outlines', async () => {
    const { left, right } = await extent(drawing('<text x="10" y="30">中</text>'))
    expect(right - left).to.be.above(5)
  })

  it('are drawn where there is no font and no fontconfig, with nothing said', () => {
    const nowhere = '/nonexistent'
    const script = `
      import { register } from 'tsx/esm/api'
      register()
      const { mkdtempSync, readFileSync, rmSync } = await import('node:fs')
      const { writeFigures } = await import('./lib/report/figure_files.ts')
      const dir = mkdtempSync((await import('node:os')).tmpdir() + '/torch-prune-fonts-')
      const svg = ${JSON.stringify(drawing('<text x="10" y="30">HH</text>'))}
      await writeFigures(dir, [{ id: 'a', title: '', caption: '', svg, table: { columns: [], rows: [] } }])
      const { default: sharp } = await import('sharp')
      const { channels } = await sharp(readFileSync(dir + '/figures/a.png')).stats()
      rmSync(dir, { recursive: true })
      console.log(channels[0].min < 50 ? 'text' : 'no text')`
    const env = {
      PATH: process.env.PATH,
      FONTCONFIG_FILE: nowhere,
      FONTCONFIG_PATH: nowhere,
      XDG_DATA_HOME: nowhere,
      XDG_CONFIG_HOME: nowhere,
      XDG_CACHE_HOME: nowhere,
      HOME: nowhere,
    }
    const cwd = new URL('../../', import.meta.url).pathname
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd,
      env,
      encoding: 'utf8',
    })
    expect({ stdout, stderr }).to.deep.equal({ stdout: 'text\n', stderr: '' })
  })
})
