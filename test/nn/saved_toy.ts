import { expect } from 'chai'
import { readSafetensors, type SafetensorsFile, writeSafetensors } from '../../lib/formats/safetensors.js'
import { add, batchNorm2d, conv2d, dropout, flatten, linear, relu } from '../../lib/nn/layers/index.js'
import { loadNetwork } from '../../lib/nn/load.js'
import { network } from '../../lib/nn/network.js'
import { applyCriterion } from '../../lib/prune/mask.js'
import { criteria } from '../../lib/prune/score/index.js'
import { device } from '../support/device.js'
import { laterRefusal } from '../support/refusal.js'

/** A network with a branch, a dropout and statistics: all that a file may hold. */
export const make = (seed = 0) =>
  network(
    [2, 4, 4],
    {
      'stem.conv': conv2d(2, 3, 3, { padding: [1, 0], bias: false }),
      'stem.bn': batchNorm2d(3, { eps: 1e-3 }),
      relu: relu(),
      short: conv2d(2, 3, [1, 3], { from: 'input' }),
      sum: add('relu', 'short'),
      drop: dropout(0.25),
      flat: flatten(),
      fc: linear(24, 3),
    },
    { seed, device },
  )

/** Saves a network to a file, changes that, and says what loading it says. */
export async function changed(file: string, change: (file: SafetensorsFile) => void, load = loadNetwork) {
  using net = make()
  await applyCriterion(net, criteria.magnitude().density(0.5))
  await net.save(file)
  const held = await readSafetensors(file)
  change(held)
  await writeSafetensors(file, held)
  const error = await laterRefusal(load(file))
  expect(error.message).to.satisfy((message: string) => message.startsWith(`${file}: `))
  expect(error.code).to.equal('ERR_FILE')
  return error.message.slice(file.length + 2)
}
