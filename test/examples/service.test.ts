import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { PACKAGE } from '../../lib/install/home.js'
import { temporaryFolder } from '../cli/command.js'
import { writeTinyMnist } from '../cli/tiny.js'

const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

describe('examples/service', function () {
  this.timeout(60_000)
  const box = temporaryFolder()
  let server: ChildProcess
  let port = 0

  before(async () => {
    writeTinyMnist(box.path('mnist'), { train: 6000, test: 50 })
    const args = ['--import', loader, join(PACKAGE, 'examples/service/server.ts'), box.path('mnist')]
    server = spawn(process.execPath, args, {
      cwd: PACKAGE,
      env: { ...process.env, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    for await (const line of createInterface(server.stdout!)) {
      port = Number(/port: (\d+)/.exec(line)?.[1] ?? 0)
      if (port !== 0) break
    }
  })
  after(() => {
    server.kill('SIGKILL')
    box.dispose()
  })

  /** What the server answers to these bytes; `leave` does not wait for it. */
  async function send(bytes: string | Buffer, leave = false): Promise<string> {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.on('data', (data) => {
      answer += data
    })
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write(bytes)
    if (leave) socket.destroy()
    else await once(socket, 'close')
    return answer
  }
  const request = (line: string, rest = '') =>
    send(`${line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${rest}\r\n`)

  it('answers what makes no sense with an error, and goes on', async () => {
    expect(await request('GET //')).to.match(/^HTTP\/1.1 400 /)
    for (const path of [
      '/',
      '/run',
      '/runs/',
      '/runs/0',
      '/runs/1e9',
      '/runs/%',
      '/runs/-1',
      '/runs/__proto__',
    ])
      expect(await request(`GET ${path}`), path).to.match(/^HTTP\/1.1 404 /)
    for (const method of ['PUT', 'PATCH', 'DELETE'])
      expect(await request(`${method} /runs`), method).to.match(/^HTTP\/1.1 405 /)
    expect(await send('\0\0\0\r\n\r\n')).to.match(/^HTTP\/1.1 400 /)
    expect(await request('GET http://[/runs')).to.match(/^HTTP\/1.1 400 /)
  })

  it('lets bodies go, however large, cut short or broken', async () => {
    const large = `Content-Length: ${2 ** 21}\r\n\r\n${'x'.repeat(2 ** 21)}`
    expect(await request('GET /runs', large)).to.match(/^HTTP\/1.1 (200|400) /)
    await send('POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf', true)
    await send('POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n')
    expect(await request('GET /runs')).to.match(/^HTTP\/1.1 200 /)
  })

  it('trains, tells how far it is, and stops', async () => {
    expect(await request('POST /runs')).to.match(/202 [\s\S]*{"run":1}/)
    expect(await request('GET /runs/1')).to.match(/200 [\s\S]*"state":"(training|failed)"/)
    expect(await request('DELETE /runs/1')).to.match(/^HTTP\/1.1 200 /)
    expect(server.exitCode).to.equal(null)
  })
})
