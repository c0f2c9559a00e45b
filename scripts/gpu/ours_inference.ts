// Times fully connected layers of which two of every four weights are kept: ours_inference.ts [--device cuda] [--tiny].
// Prints a line of JSON for each: the median milliseconds of a batch, dense and by sparse tensor cores.
import { parseArgs } from 'node:util'
import { applyCriterion, criteria, type Device, type Network, network, nn } from '../../lib/index.js'

const { values } = parseArgs({
  options: { device: { type: 'string', default: 'cuda' }, tiny: { type: 'boolean', default: false } },
})
const device = values.device as Device
const [INPUTS, OUTPUTS, BATCHES] = values.tiny
  ? [[64, 128], 32, [16]]
  : [[9216, 25088], 4096, [64, 512, 4096]]
// On the CPU, which tries this script, another form stands in.
const SPARSE = device === 'cpu' ? 'sparse' : 'semi-structured'

for (const inputs of INPUTS) {
  using layer = network([inputs], { fc: nn.linear(inputs, OUTPUTS) }, { seed: 0 }) as unknown as Network
  await applyCriterion(layer, criteria.magnitude().nm(2, 4))
  for (const batch of BATCHES) {
    using session = await layer.compile({
      ...{ device, batch, forms: ['dense', SPARSE] },
      ...(device !== 'cpu' && { autocast: 'bfloat16' }),
    })
    const { form, milliseconds } = session.layers[0]!
    const [dense, sparse] = [milliseconds.dense, milliseconds[SPARSE]]
    console.log(JSON.stringify({ layer: `${OUTPUTS}×${inputs}`, batch, form, dense, sparse }))
  }
}
