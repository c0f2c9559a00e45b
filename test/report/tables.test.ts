import { expect } from 'chai'
import { renderTable } from '../../lib/cli/table.js'
import {
  columnTitles,
  layerTable,
  roundTable,
  summaryTable,
  type TableData,
} from '../../lib/report/tables.js'
import type { PaperTable } from '../../lib/runs/paper.js'

const layers = [
  {
    name: 'conv1',
    kind: 'conv',
    weights: 500,
    kept: 330,
    density: 0.66,
    flop: 576e3,
    activationDensity: 0.8,
    flopShare: 0.66,
  },
  {
    name: 'fc1',
    kind: 'fc',
    weights: 400e3,
    kept: 32e3,
    density: 0.08,
    flop: 800e3,
    activationDensity: 0.5,
    flopShare: 0.06,
  },
]
const record = {
  layers,
  reference: { top1Error: 0.8, parameters: 401_010 },
  pruned: { top1Error: 0.77, parameters: 32_840, compression: 12.2 },
}
const paper: PaperTable = {
  reference: { top1Error: 0.81, parameters: 400e3 },
  pruned: { top1Error: 0.79, parameters: 33e3, compression: 12 },
  layers: [
    { name: 'fc1', weights: 400e3, flop: 800e3, activationDensity: 0.55, density: 0.08, flopShare: 0.06 },
  ],
}
const lines = (table: TableData) => renderTable(columnTitles(table), table.rows).split('\n')

describe('the tables of a run', () => {
  it('say what is left of each layer, and of all, weighed by their sizes', () => {
    expect(lines(layerTable(record)).slice(2)).to.deep.equal([
      'conv1      500   576K  80.0   66.0   66.0',
      'fc1       400K   800K  50.0    8.0    6.0',
      'total     401K  1.38M          8.1   31.1',
    ])
  })

  it("stand beside the paper's, with a dash where it says nothing", () => {
    const table = lines(layerTable(record, paper))
    expect(table[0]).to.match(/paper act% +kept% +FLOP% +│ +here act% +kept% +FLOP%$/)
    expect(table[2]).to.match(/^conv1 +500 +576K +│ +– +– +– +│ +80\.0 +66\.0 +66\.0$/)
    expect(table[3]).to.match(/^fc1 +400K +800K +│ +55 +8 +6 +│ +50\.0 +8\.0 +6\.0$/)
  })

  it('end with errors, sizes and compression', () => {
    expect(lines(summaryTable(record, paper)).slice(2)).to.deep.equal([
      'top-1 error, dense   0.81%  0.80%',
      'top-1 error, pruned  0.79%  0.77%',
      'parameters, dense     400K   401K',
      'parameters, pruned     33K  32.8K',
      'compression            12×  12.2×',
    ])
  })

  it('have top-5 errors where the run has', () => {
    const many = {
      reference: { ...record.reference, top5Error: 10 },
      pruned: { ...record.pruned, top5Error: 11 },
    }
    expect(lines(summaryTable(many)).join('\n')).to.match(/^top-5 error, pruned +11\.00%$/m)
    const pruned = { ...paper.pruned, top5Error: 10.88 }
    expect(lines(summaryTable(many, { ...paper, pruned })).join('\n'))
      .to.match(/^top-5 error, dense +– +10\.00%$/m)
      .and.to.match(/^top-5 error, pruned +10\.88% +11\.00%$/m)
    const round = {
      round: 1,
      density: 0.5,
      compression: 2,
      validationError: 40,
      top1ErrorBefore: 50,
      top1Error: 41,
    }
    expect(roundTable({ rounds: [round] }).columns).not.to.include('top-5')
    expect(lines(roundTable({ rounds: [{ ...round, top5Error: 19.5 }] }))[2]).to.match(/ 41\.00% +19\.50%$/)
  })
})
