// A process of a training, as test/distributed/*.test.ts start several of: member.ts TASK [JSON]. What it finds is its
// last line, as JSON.
import { messageOf, TorchPruneError } from '../../lib/base/errors.js'
import { setJobThreads } from '../../lib/binding/threads.js'
import { processGroup } from '../../lib/distributed/process_group.js'
import { type Given, TASKS } from './tasks.js'

const [name = '', text = '{}'] = process.argv.slice(2)
setJobThreads(1)
try {
  // That task joins by itself.
  const given = JSON.parse(text) as Given
  const sharedMemory = given.sharedMemory?.[Number(process.env.RANK)]
  const group = name === 'again' ? undefined : await processGroup({ sharedMemory })
  console.log(JSON.stringify(await TASKS[name]!(group, given)))
} catch (error) {
  const code = error instanceof TorchPruneError ? error.code : undefined
  console.log(JSON.stringify({ code, message: messageOf(error) }))
}
