// A worker thread cannot take tsx from the command line on every Node: it registers it itself.
import { parentPort } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
const { loadAddon } = await import('../../lib/binding/addon.ts')
parentPort.postMessage(loadAddon().versions())
