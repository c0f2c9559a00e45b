import { expect } from 'chai'
import { computeOptions } from '../../lib/base/compute.js'
import { optionOf } from '../../lib/cli/table_option.js'
import { cosineOptions } from '../../lib/optim/schedule.js'
import { sgdOptions } from '../../lib/optim/spec.js'
import { retrainPlanOptions } from '../../lib/recipes/options.js'
import { settingsOptions } from '../../lib/train/options.js'
import { refusal } from '../support/refusal.js'

describe('an option of a command that is one of the library', () => {
  const read = (option: ReturnType<typeof optionOf>, text: string) => option.parseArg!(text, undefined)

  it('has its name, type and range from the table', () => {
    const batchSize = optionOf(settingsOptions, 'batchSize', 'samples per step')
    expect(batchSize.flags).to.equal('--batch-size <n>')
    expect(batchSize.description).to.equal('samples per step (1 or more)')
    expect(optionOf(sgdOptions, 'lr', 'rate').description).to.equal('rate (0 or more)')
    expect(optionOf(cosineOptions, 'warmup', 'share').description).to.equal('share (0 to 1)')
    expect(optionOf(retrainPlanOptions, 'lrFactor', 'factor').description).to.equal('factor (over 0)')
    expect(optionOf(settingsOptions, 'dropLast', 'it').flags).to.equal('--drop-last')
    expect(optionOf(settingsOptions, 'epochs', 'it', 'retrainEpochs').flags).to.equal('--retrain-epochs <n>')
  })

  it('takes what the table takes, and refuses the rest in one line', () => {
    const epochs = optionOf(settingsOptions, 'epochs', 'times')
    expect(read(epochs, '3')).to.equal(3)
    for (const text of ['0', '1.5', 'x', '', '0x10', 'Infinity']) {
      const { message } = refusal(() => read(epochs, text))
      expect(message).to.equal(`--epochs takes a whole number of 1 or more, got '${text}'`)
    }
  })

  it('writes words as a command line does', () => {
    const format = optionOf(computeOptions, 'memoryFormat', 'how images lie in memory')
    expect(format.flags).to.equal('--memory-format <word>')
    expect(format.description).to.equal('contiguous or channels-last: how images lie in memory')
    expect(read(format, 'channels-last')).to.equal('channelsLast')
    const { message } = refusal(() => read(format, 'channelsLast'))
    expect(message).to.equal("--memory-format takes contiguous or channels-last, got 'channelsLast'")
  })
})
