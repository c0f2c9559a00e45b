import { expect } from 'chai'
import { sourceOf, sources } from '../support/sources.js'

/** The most lines of a file, and of the body of a function. Biome holds the functions of TypeScript to the same. */
const FILE_LINES = 300
const FUNCTION_LINES = 60

/** A longer file says in its first line why it is one: `// Long: one table of …`. */
const REASON = /^(\/\/|#) Long: \S/

const files = [
  ...sources('lib', /\.ts$/),
  ...sources('native', /\.(cc|h)$/),
  ...sources('scripts', /\.(ts|mjs|py)$/).filter((file) => !file.includes('node_modules')),
  ...sources('test', /\.(ts|mjs)$/),
]

/** The bodies of functions in C++ that are too long. */
function longFunctions(file: string): string[] {
  const code = sourceOf(file).replace(
    /\/\/.*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])'/g,
    (text) => text.replace(/[^\n]/g, ' '),
  )
  const found: string[] = []
  /** For each open brace, the line of it if a function begins there. */
  const open: (number | undefined)[] = []
  let line = 1
  let head = ''
  for (const letter of code) {
    if (letter === '\n') line++
    head += letter
    if (letter === '{') {
      const isScope = /\b(namespace|class|struct|union|enum|extern)\b[^()]*\{$|=\s*\{$/.test(head)
      const within = open.some((begin) => begin !== undefined)
      open.push(isScope || within ? undefined : line)
    } else if (letter === '}') {
      const begin = open.pop()
      const lines = begin === undefined ? 0 : line - begin - 1
      if (lines > FUNCTION_LINES) found.push(`${file}:${begin}: ${lines} lines`)
    }
    if (letter === ';' || letter === '{' || letter === '}') head = ''
  }
  return found
}

describe('what reads in one sitting', () => {
  it(`is a file of at most ${FILE_LINES} lines, or says why it is longer`, () => {
    const long = files
      .map((file) => ({ file, text: sourceOf(file) }))
      .map(({ file, text }) => ({ file, text, lines: text.split('\n').length - 1 }))
      .filter(({ text, lines }) => lines > FILE_LINES && !REASON.test(text))
    expect(long.map(({ file, lines }) => `${file}: ${lines} lines`)).to.deep.equal([])
  })

  it(`is a function of at most ${FUNCTION_LINES} lines`, () => {
    const native = files.filter((file) => /\.(cc|h)$/.test(file))
    expect(native.flatMap(longFunctions)).to.deep.equal([])
  })
})
