import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as library from '../../lib/index.js'

const { Dataset, network, randn, tensor, nn } = library

/** Arguments that a call accepts, made anew for each: fuzzing spoils one of them. */
export type Right = () => readonly unknown[]

/** A folder for what calls write, by paths that start there. */
export const folder = mkdtempSync(join(tmpdir(), 'torch-prune-api-'))
export const file = join(folder, 'network.safetensors')
/** Of a session. */
export const sessionFile = join(folder, 'session.safetensors')

export const x = () => randn([2, 3])
export const net = () => network([3], { fc1: nn.linear(3, 4), relu1: nn.relu(), fc2: nn.linear(4, 2) })
export const dataset = () => Dataset.from(randn([8, 3]), tensor([0, 1, 0, 1, 0, 1, 0, 1], { dtype: 'int64' }))
export const one: Right = () => [x()]
export const path: Right = () => [file]
