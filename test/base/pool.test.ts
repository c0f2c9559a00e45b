import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect } from 'chai'

const SCRIPT = `
import { createHook } from 'node:async_hooks'
import { keepPoolAwake } from './lib/base/pool.ts'
let asked = 0
createHook({ init: (_, type) => { if (type === 'FSREQCALLBACK') asked++ } }).enable()
keepPoolAwake()
setTimeout(() => console.log(asked), Number(process.argv[1]))
`

describe('keepPoolAwake', () => {
  it('asks the pool once a second, and holds no process back', async () => {
    const run = async (ms: number) => {
      const args = ['--import', 'tsx/esm', '--input-type=module', '--eval', SCRIPT, String(ms)]
      return Number((await promisify(execFile)(process.execPath, args)).stdout)
    }
    const [short, long] = await Promise.all([run(1), run(2500)])
    expect(short).to.equal(0)
    expect(long).to.be.within(1, 2)
  })
})
