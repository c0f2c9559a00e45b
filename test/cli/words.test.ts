import { expect } from 'chai'
import { computeOptions } from '../../lib/base/compute.js'
import { createProgram } from '../../lib/cli/program.js'
import { cosineOptions } from '../../lib/optim/schedule.js'
import { adamOptions, sgdOptions } from '../../lib/optim/spec.js'
import { sensitivityOptions, shrinkOptions, solveOptions } from '../../lib/prune/options.js'
import { quantizeOptions } from '../../lib/quantize/options.js'
import { denseOptions, prunePlanOptions, retrainPlanOptions, runOptions } from '../../lib/recipes/options.js'
import { crossEntropyOptions } from '../../lib/train/losses.js'

/** What a word of the command line stands for in the library, where they differ. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  density: 'of a selection',
  quality: 'of a selection',
  nm: 'a selection',
  select: 'of a criterion',
  layers: 'of a selection',
  l1: 'optim.l1()',
  l2: 'optim.l2()',
  errorIncrease: 'of a budget',
  budgetWeights: 'weights of a budget',
  budgetBytes: 'bytes of a budget',
  budgetError: 'error of a budget',
  recipe: 'runRecipe()',
  seeds: 'of prune.tradeoff()',
  model: 'models',
  retrainEpochs: 'retrain.epochs',
}

/** What only commands have. */
const OWN = ['json', 'quiet', 'printRecipe', 'nproc', 'help', 'version']

describe('options of commands', () => {
  it('are called as those of the library', async () => {
    const tables = [
      computeOptions,
      ...[
        crossEntropyOptions,
        cosineOptions,
        adamOptions,
        sgdOptions,
        sensitivityOptions,
        shrinkOptions,
        solveOptions,
      ],
      ...[quantizeOptions, denseOptions, prunePlanOptions, retrainPlanOptions, runOptions],
    ]
    const known = new Set([
      ...tables.flatMap((table) => Object.keys(table)),
      ...OWN,
      ...Object.keys(ELSEWHERE),
    ])
    const commands = (await createProgram()).commands.filter((each) =>
      ['run', 'train', 'prune', 'sensitivity', 'tradeoff', 'shrink', 'quantize'].includes(each.name()),
    )
    expect(commands).to.have.length(7)
    const strange = commands.flatMap((command) =>
      command.options
        .map((option) => option.attributeName())
        .filter((name) => !known.has(name))
        .map((name) => `${command.name()} ${name}`),
    )
    expect(strange).to.deep.equal([])
  })

  it('mean one thing in all commands', async () => {
    const meanings = new Map<string, Set<string>>()
    for (const command of (await createProgram()).commands) {
      for (const { long, flags } of command.options) {
        const takes = flags.replace(/^.*?(?=[<[]|$)/, '')
        meanings.set(long!, (meanings.get(long!) ?? new Set()).add(takes === '' ? '' : takes[0]!))
      }
    }
    const several = [...meanings].filter(([, takes]) => takes.size > 1).map(([name]) => name)
    expect(several).to.deep.equal([])
  })
})
