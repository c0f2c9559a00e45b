import { createServer } from 'node:net'
import { expect } from 'chai'
import { freePort, variablesOf } from '../../lib/distributed/launcher.js'
import { type Ended, foundBy, member } from './members.js'

interface Refused {
  readonly code: string
  readonly message: string
}

const QUICK = { TORCH_PRUNE_CONNECT_TIMEOUT: '2', TORCH_PRUNE_GROUP_TIMEOUT: '10' }

/** Expects that a process found an error of its group, and said so in one line. */
function expectRefused(ended: Ended, message: RegExp | string): void {
  const { code, message: said } = foundBy<Refused>(ended)
  expect(code, said).to.equal('ERR_GROUP')
  expect(said).not.to.match(/\n/)
  if (typeof message === 'string') expect(said).to.equal(message)
  else expect(said).to.match(message)
  expect(ended.stderr).to.equal('')
}

describe('a process that trains with others', () => {
  for (const [gone, left, way, sharedMemory] of [
    [1, 0, 'in shared memory', undefined],
    [0, 1, 'in shared memory', undefined],
    [1, 0, 'by Gloo', [false, false]],
  ] as const) {
    it(`ends with an error when rank ${gone} is killed, where they sum ${way}`, async () => {
      const port = await freePort()
      let killed = false
      const ended = await Promise.all(
        [0, 1].map((rank) =>
          member(
            'endless',
            { sharedMemory },
            { ...variablesOf(rank, 2, port), ...QUICK },
            (child, stdout) => {
              if (rank !== gone || killed || !stdout.includes('epoch 2')) return
              killed = true
              child.kill('SIGKILL')
            },
          ),
        ),
      )
      expectRefused(
        ended[left]!,
        new RegExp(`^rank ${gone} is gone \\(.+\\): see what it says, then start all`),
      )
    })
  }

  for (const [way, sharedMemory] of [
    ['in shared memory', undefined],
    ['by Gloo', [false, false]],
  ] as const) {
    it(`ends with an error when another one stops answering, ${way}`, async () => {
      const port = await freePort()
      const quick = { ...QUICK, TORCH_PRUNE_GROUP_TIMEOUT: '1' }
      let stuck: number | undefined
      const [first] = await Promise.all([
        member('endless', { sharedMemory }, { ...variablesOf(0, 2, port), ...quick }).finally(() => {
          if (stuck !== undefined) process.kill(stuck, 'SIGKILL')
        }),
        member('endless', { sharedMemory }, { ...variablesOf(1, 2, port), ...quick }, (child, stdout) => {
          if (stuck !== undefined || !stdout.includes('epoch 2')) return
          stuck = child.pid!
          child.kill('SIGSTOP')
        }),
      ])
      expectRefused(first!, /^rank 1 is gone \(.*[Tt]imed out.*\): see what it says/)
    })

    it(`can exit while it waits for another one, ${way}`, async () => {
      const port = await freePort()
      let stuck: number | undefined
      const began = performance.now()
      const [first] = await Promise.all([
        member('exits', { sharedMemory }, variablesOf(0, 2, port)).finally(() => {
          if (stuck !== undefined) process.kill(stuck, 'SIGKILL')
        }),
        member('exits', { sharedMemory }, variablesOf(1, 2, port), (child, stdout) => {
          if (stuck !== undefined || !stdout.includes('epoch 2')) return
          stuck = child.pid!
          child.kill('SIGSTOP')
        }),
      ])
      expect(first!.code).to.equal(3)
      expect(performance.now() - began).to.be.below(50_000)
    })
  }

  it('says that nobody listens', async () => {
    const port = await freePort()
    expectRefused(
      await member('prune', {}, { ...variablesOf(1, 2, port), ...QUICK }),
      `nobody listens at 127.0.0.1:${port}: start rank 0 there, or fix MASTER_ADDR and MASTER_PORT`,
    )
  })

  it('says who has not come', async () => {
    const port = await freePort()
    expectRefused(
      await member('prune', {}, { ...variablesOf(0, 2, port), ...QUICK }),
      'rank 1 of 2 has not come: start all processes, or fix WORLD_SIZE',
    )
  })

  it('says that the port is in use, and by something else', async () => {
    const server = createServer((socket) => socket.destroy())
    const port = await freePort()
    await new Promise<void>((resolve) => server.listen(port, resolve))
    try {
      expectRefused(
        await member('prune', {}, { ...variablesOf(0, 2, port), ...QUICK }),
        `port ${port} is in use on this machine: set MASTER_PORT to a free one in all processes`,
      )
      expectRefused(
        await member('prune', {}, { ...variablesOf(1, 2, port), ...QUICK }),
        new RegExp(`^what listens at 127.0.0.1:${port} is not rank 0 of a training`),
      )
    } finally {
      server.close()
    }
  })

  it('says that another one has another world size, or the same rank', async () => {
    const port = await freePort()
    for (const each of await Promise.all([
      member('prune', {}, { ...variablesOf(0, 2, port), ...QUICK }),
      member('prune', {}, { ...variablesOf(1, 3, port), ...QUICK }),
    ])) {
      expectRefused(each, /^rank 1 has another world size than rank 0 \(3, not 2\): start all/)
    }
    const ended = await Promise.all(
      [0, 1, 1].map((rank) => member('prune', {}, { ...variablesOf(rank, 3, port), ...QUICK })),
    )
    const said = ended.map((each) => foundBy<Refused>(each).message)
    expect(
      said.filter((message) => /has rank 1 already: give each its own RANK$/.test(message)),
    ).to.have.length(1)
  })

  it('is usable afterwards', async () => {
    const port = await freePort()
    const ended = await member(
      'again',
      {},
      { ...variablesOf(1, 2, port), ...QUICK, TORCH_PRUNE_CONNECT_TIMEOUT: '0.2' },
    )
    expect(foundBy<{ refused: string; losses: number[] }>(ended).losses).to.have.length(1)
  })
})
