import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'

import { type RunRecord, readRunRecord, writeRunRecord } from '../../lib/runs/record.js'
import { refusedWith } from '../support/refusal.js'

// The public contract, as the documentation shows it.
const example: RunRecord = {
  schema: 1,
  recipe: 'lenet-300-100',
  seed: 0,
  device: 'cpu',
  threads: 2,
  versions: { torchPrune: '0.1.0', libtorch: '2.13.0', node: '20.20.2' },
  reference: { top1Error: 1.6, parameters: 266610 },
  pruned: { top1Error: 1.6, parameters: 22000, compression: 12.1 },
  layers: [
    {
      name: 'fc1',
      kind: 'fc',
      weights: 235200,
      kept: 18800,
      density: 0.08,
      flop: 470400,
      activationDensity: 0.38,
      flopShare: 0.08,
    },
  ],
  rounds: [
    {
      round: 1,
      density: 0.4,
      compression: 2.5,
      validationError: 1.7,
      top1ErrorBefore: 2.0,
      top1Error: 1.6,
    },
  ],
  seconds: 80.5,
}

describe('run.json', () => {
  let dir: string

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'torch-prune-record-'))
  })

  afterEach(() => rm(dir, { recursive: true, force: true }))

  it('comes back as it was written, into a folder made for it', async () => {
    const run = join(dir, 'runs', '1')
    await writeRunRecord(run, example)
    expect(await readRunRecord(run)).to.deep.equal(example)
    const { checksum, ...stored } = JSON.parse(await readFile(join(run, 'run.json'), 'utf8'))
    expect(stored).to.deep.equal(example)
    expect(checksum).to.match(/^[\da-f]{8}$/)
    expect(await readdir(run)).to.deep.equal(['run.json'])
  })

  it('is refused when a digit of it, or of its checksum, has changed', async () => {
    await writeRunRecord(dir, example)
    const path = join(dir, 'run.json')
    const text = await readFile(path, 'utf8')
    for (const [from, to] of [
      ['"seed": ', '"seed": 1'],
      ['"checksum": "', '"checksum": "0'],
      ['"checksum"', '"checkrum"'],
    ] as const) {
      await writeFile(path, text.replace(from, to))
      expect(await refusedWith(readRunRecord(dir))).to.equal(
        `${path}: is damaged or was changed: it does not match its checksum; run again, or remove the checksum from it`,
      )
    }
    // Another program may set it otherwise.
    await writeFile(path, JSON.stringify(JSON.parse(text)))
    expect(await readRunRecord(dir)).to.deep.equal(example)
  })

  it('keeps fields that a later version added', async () => {
    const later = { ...example, mood: 'good', pruned: { ...example.pruned, files: 3 } }
    await writeFile(join(dir, 'run.json'), JSON.stringify(later))
    expect(await readRunRecord(dir)).to.deep.equal(later)
  })

  it('is refused at writing when a field is impossible, before anything is written', async () => {
    const layers = [{ ...example.layers[0]!, density: 1.2 }]
    expect(await refusedWith(writeRunRecord(dir, { ...example, layers }), 'ERR_ARGUMENT')).to.match(
      /^run record: layers\.0\.density: .*<=1; correct that field$/,
    )
    expect(await refusedWith(writeRunRecord(dir, { ...example, seconds: NaN }), 'ERR_ARGUMENT')).to.include(
      'seconds',
    )
    expect(await readdir(dir)).to.deep.equal([])
  })

  it('cannot be written where a file is in the way', async () => {
    await writeFile(join(dir, 'file'), '')
    expect(await refusedWith(writeRunRecord(join(dir, 'file'), example), 'ERR_OUTPUT')).to.include(
      'choose another place',
    )
  })

  const refused: [what: string, text: string, says: RegExp][] = [
    ['half a record', '{ "schema": 1, "rec', /is half-written or damaged; write it again/],
    ['an empty file', '', /is half-written or damaged/],
    [
      'another schema',
      JSON.stringify({ ...example, schema: 2 }),
      /has schema 2 but .* reads 1; update torch-prune$/,
    ],
    ['an older schema', JSON.stringify({ ...example, schema: 0 }), /has schema 0 but .* reads 1; run again$/],
    ['another JSON file', '{"name":"x"}', /is not a run record, it has no schema/],
    ['a list', '[]', /is not a run record/],
    ['null', 'null', /is not a run record/],
    ['a missing field', JSON.stringify({ ...example, rounds: undefined }), /is damaged: rounds: /],
    ['a wrong field', JSON.stringify({ ...example, rounds: [{}] }), /is damaged: rounds\.0\.round: /],
  ]
  for (const [what, text, says] of refused) {
    it(`refuses ${what}`, async () => {
      await writeFile(join(dir, 'run.json'), text)
      expect(await refusedWith(readRunRecord(dir))).to.match(says)
    })
  }

  it('refuses a folder without one', async () => {
    expect(await refusedWith(readRunRecord(dir))).to.include(
      'run.json: does not exist; give the folder of a finished run',
    )
  })
})
