import { isObject } from '../base/collection.js'
import { TorchPruneError } from '../base/errors.js'
import { type Kind, wrongValue } from '../base/kind.js'
import { Dataset } from './dataset.js'

/** A data set in three parts: one to train on, one to make choices on, and a test part that is only read at the end. */
export interface DataSplits {
  /** The samples to train on. */
  readonly train: Dataset
  /** The samples on which choices are based. */
  readonly validation: Dataset
  /** The samples that are only read at the end. */
  readonly test: Dataset
}

/**
 * A dataset as an argument or an option. Passing all parts of a data set is an easy mistake, so it has an error of its
 * own.
 */
export const datasetKind: Kind<Dataset> = {
  expected: 'a Dataset',
  fits: (value) => value instanceof Dataset,
  read(value, name) {
    if (value instanceof Dataset) return value
    if (isObject(value) && value.train instanceof Dataset) {
      throw new TorchPruneError(
        'ERR_ARGUMENT',
        `${name} must be a Dataset, got the parts of one: give one of them, such as its train`,
      )
    }
    throw wrongValue(name, 'a Dataset, such as Dataset.from(images, labels)', value)
  },
}

/** The parts of a data set that a function needs, as an argument; other parts are allowed. */
export function splitsKind<const Part extends keyof DataSplits>(
  ...parts: readonly Part[]
): Kind<Pick<DataSplits, Part>> {
  const expected = `the parts of a data set, { ${parts.join(', ')} }`
  return {
    expected,
    fits: isObject,
    read(value, name) {
      if (value instanceof Dataset) {
        const fix = `${wrongValue(name, expected, value).message}: dataset.split(1000) splits off a validation part`
        throw new TorchPruneError('ERR_ARGUMENT', fix)
      }
      if (!isObject(value)) throw wrongValue(name, expected, value)
      const read = parts.map((part) => [part, datasetKind.read(value[part], `${name}.${part}`)])
      return Object.fromEntries(read) as Pick<DataSplits, Part>
    },
  }
}
