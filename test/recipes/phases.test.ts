import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { criteria } from '../../lib/prune/score/index.js'
import { parseRecipe } from '../../lib/recipes/json.js'
import { runRecipe } from '../../lib/recipes/run.js'
import { readEvents } from '../../lib/runs/events.js'
import { temporaryFolder } from '../cli/command.js'
import { tinyRecipe, writeTinyMnist } from '../cli/tiny.js'

describe('a run whose rounds prune in phases', function () {
  this.timeout(60_000)
  const box = temporaryFolder()
  after(() => box.dispose())

  it('keeps and shows each layer right after its own pruning', async () => {
    const data = writeTinyMnist(box.path('mnist'), { train: 120, test: 20 })
    const plain = tinyRecipe({ denseEpochs: 1, rounds: 1, epochs: 1 })
    const pair = (size: number) => [size, size]
    const conv = { inChannels: 1, outChannels: 4, kernelSize: pair(3), stride: pair(1), padding: pair(0) }
    const recipe = parseRecipe(
      {
        ...plain,
        model: {
          input: [1, 8, 8],
          layers: [
            { name: 'conv1', layer: { kind: 'conv2d', ...conv, dilation: pair(1), groups: 1, bias: true } },
            { name: 'flatten', layer: { kind: 'flatten' } },
            { name: 'fc1', layer: { kind: 'linear', inFeatures: 144, outFeatures: 10, bias: true } },
          ],
        },
        prune: { ...plain.prune, criterion: criteria.magnitude().density(0.25), phases: 'alternate' },
      },
      'phases',
    )
    const { folder, record } = await runRecipe(recipe, { data, out: box.path('out'), threads: 1 })
    expect(record.phases).to.deep.equal(['fc', 'conv'])
    expect(readdirSync(box.path('out', 'checkpoint'))).to.include.members([
      'round-1-pruned.safetensors',
      'round-1-pruned-2.safetensors',
    ])
    const pruned = (await readEvents(folder)).filter((event) => event.event === 'prune')
    expect(pruned.map(({ phase }) => phase)).to.deep.equal(['fc', 'conv'])
    const page = readFileSync(box.path('out', 'report.html'), 'utf8')
    for (const { name, kept } of record.layers) {
      const shown = new RegExp(`weights of layer ${name}: dense: [\\d,]+ weights, pruned: ([\\d,]+) weights`)
      expect(shown.exec(page)?.[1]).to.equal(kept.toLocaleString('en'))
    }
    expect(page).to.include('test, FC layers pruned, before retraining')
    expect(page).to.include('test error, FC pruned')
  })
})
