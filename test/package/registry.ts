import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

interface Manifest {
  readonly name: string
  readonly version: string
}

/** A package registry on this machine: the given tarballs, and what is installed in `modules`. */
export class Registry {
  readonly #packages = new Map<string, { manifest: Manifest; tarball: () => Buffer }>()
  readonly #server: Server

  constructor(tarballs: readonly string[], modules: string) {
    for (const tarball of tarballs) {
      const manifest = execFileSync('tar', ['-xzOf', tarball, 'package/package.json'])
      this.#add(JSON.parse(manifest.toString()), () => readFileSync(tarball))
    }
    this.#addModules(modules)
    this.#server = createServer(({ url = '/' }, response) => {
      const path = decodeURIComponent(url.slice(1))
      const tarball = path.startsWith('-/') ? this.#packages.get(path.slice(2))?.tarball() : undefined
      const body = tarball ?? this.#document(path)
      response.writeHead(body ? 200 : 404).end(body ?? '{}')
    })
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return this.#url
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  get #url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  #document(name: string): string | undefined {
    const found = [...this.#packages].filter(([, { manifest }]) => manifest.name === name)
    if (!found.length) return undefined
    const versions = found.map(([key, { manifest }]) => {
      const dist = { tarball: `${this.#url}-/${encodeURIComponent(key)}` }
      return [manifest.version, { ...manifest, dist }] as const
    })
    return JSON.stringify({
      name,
      'dist-tags': { latest: versions.at(-1)![0] },
      versions: Object.fromEntries(versions),
    })
  }

  #add(manifest: Manifest, tarball: () => Buffer): void {
    this.#packages.set(`${manifest.name}@${manifest.version}`, { manifest, tarball })
  }

  #addModules(modules: string): void {
    const names = readdirSync(modules).filter((name) => !name.startsWith('.'))
    for (const name of names) {
      const folder = join(modules, name)
      if (name.startsWith('@')) this.#addModules(folder)
      else if (existsSync(join(folder, 'package.json'))) this.#addModule(folder)
    }
  }

  #addModule(folder: string): void {
    const nested = join(folder, 'node_modules')
    if (existsSync(nested)) this.#addModules(nested)
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
    // As npm's tarballs: everything in one folder.
    const args = ['-czf', '-', '--exclude=./node_modules', '--transform=s,^\\.,package,', '.']
    this.#add(manifest, () => execFileSync('tar', args, { cwd: folder, maxBuffer: 2 ** 30 }))
  }
}
