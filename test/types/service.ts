import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
// TypeScript 7 is a native program in a package of its own for each platform; it has no other interface.
const typescript = createRequire(import.meta.url).resolve('typescript/package.json')
const platform = readdirSync(join(dirname(typescript), '../@typescript')).find((name) =>
  /^typescript-/.test(name),
)!
const compiler = join(dirname(typescript), '../@typescript', platform, 'lib/tsc')

/** A program of one file, in a folder of its own, that imports the library from 'torch-prune'. */
export class Program implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'types-'))
  readonly #path = join(this.#folder, 'program.ts')
  readonly #source: string

  constructor(source: string) {
    this.#source = source
    const options = {
      ...{ noEmit: true, exactOptionalPropertyTypes: true, typeRoots: [join(root, 'node_modules/@types')] },
      paths: { 'torch-prune': [join(root, 'lib/index.ts')] },
    }
    const config = { extends: join(root, 'tsconfig.json'), compilerOptions: options, include: [this.#path] }
    writeFileSync(join(this.#folder, 'tsconfig.json'), JSON.stringify(config))
    writeFileSync(join(this.#folder, 'package.json'), '{ "type": "module" }')
    writeFileSync(this.#path, source.replaceAll('⎵', ''))
  }

  /** What the compiler says of it: for each error its lines. */
  async errors(): Promise<string[][]> {
    const output = await new Promise<string>((resolve) =>
      execFile(compiler, ['--pretty', 'false', '-p', this.#folder], (_, stdout) => resolve(stdout)),
    )
    const errors = output.trimEnd().split(/\n(?! )/)
    return errors.map((error) => error.split('\n'))
  }

  /** What an editor offers at each ⎵, by the line that it stands in. */
  async completions(): Promise<Map<string, string[]>> {
    const uri = pathToFileURL(this.#path).href
    const server = new LanguageServer()
    try {
      await server.ask('initialize', { processId: null, rootUri: null, capabilities: {} })
      server.tell('initialized', {})
      const text = this.#source.replaceAll('⎵', '')
      server.tell('textDocument/didOpen', {
        textDocument: { uri, languageId: 'typescript', version: 1, text },
      })
      const offered = new Map<string, string[]>()
      for (const [line, content] of this.#source.split('\n').entries()) {
        const character = content.indexOf('⎵')
        if (character < 0) continue
        const where = { textDocument: { uri }, position: { line, character } }
        const result = await server.ask('textDocument/completion', where)
        const items = (result as { items: { label: string }[] } | null)?.items ?? []
        offered.set(content, items.map(({ label }) => label.replace(/\?$/, '')).sort())
      }
      return offered
    } finally {
      server.stop()
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true })
  }
}

/** The compiler as editors run it: JSON-RPC over its standard streams. */
class LanguageServer {
  readonly #process = spawn(compiler, ['--lsp', '--stdio'], { stdio: ['pipe', 'pipe', 'ignore'] })
  readonly #waiting = new Map<number, (result: unknown) => void>()
  #received = Buffer.alloc(0)
  #asked = 0

  constructor() {
    this.#process.stdout.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk])
      while (this.#take());
    })
  }

  ask(method: string, params: object): Promise<unknown> {
    const id = ++this.#asked
    this.#send({ id, method, params })
    return new Promise((resolve) => this.#waiting.set(id, resolve))
  }

  tell(method: string, params: object): void {
    this.#send({ method, params })
  }

  stop(): void {
    this.#process.kill()
  }

  #send(message: object): void {
    const body = JSON.stringify({ jsonrpc: '2.0', ...message })
    this.#process.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  }

  /** Takes one whole message of what was received. */
  #take(): boolean {
    const head = this.#received.indexOf('\r\n\r\n')
    if (head < 0) return false
    const length = Number(/Content-Length: (\d+)/.exec(this.#received.toString('utf8', 0, head))?.[1])
    if (this.#received.length < head + 4 + length) return false
    const body = this.#received.toString('utf8', head + 4, head + 4 + length)
    this.#received = this.#received.subarray(head + 4 + length)
    const { id, method, result } = JSON.parse(body) as { id?: number; method?: string; result?: unknown }
    // A question of the server's own, as for settings.
    if (id !== undefined && method !== undefined) this.#send({ id, result: null })
    else if (id !== undefined) this.#waiting.get(id)?.(result)
    return true
  }
}
