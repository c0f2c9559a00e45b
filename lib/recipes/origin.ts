import { hostname } from 'node:os'
import { processorName } from '../base/cores.js'
import type { Versions } from '../binding/versions.js'
import type { DataSplits } from '../data/splits.js'
import { cuda } from '../tensor/cuda.js'
import type { Device } from '../tensor/device.js'
import type { Recipe } from './recipe.js'

/** The part of a session that says what it was made from. */
interface Source {
  readonly recipe: Recipe
  readonly data: DataSplits
  readonly dataPath: string | undefined
  readonly seed: number
  readonly device: Device
  readonly threads: number
  readonly versions: Versions
  readonly command: string | undefined
}

/** What a run was made from, and where, for its log: the start of a run adds its seed and versions. */
export function originOf(source: Source, settings: object = plansOf(source.recipe)) {
  const { recipe, data, dataPath, device, command } = source
  const name = nameOf(recipe.data)
  return {
    ...placeOf(device, command),
    data: {
      ...(name !== undefined && { name }),
      ...(dataPath !== undefined && { path: dataPath }),
      train: data.train.length,
      validation: data.validation.length,
      test: data.test.length,
    },
    settings: JSON.parse(JSON.stringify(settings, withoutTeacher)) as unknown,
  }
}

/** The machine that computed, and the command. */
export function placeOf(device: Device, command: string | undefined) {
  const processor = device === 'cpu' ? processorName() : cuda.properties(device)?.name.trim()
  return {
    host: hostname(),
    ...(processor !== undefined && { processor }),
    ...(command !== undefined && { command }),
  }
}

/** What a study was made from, and where, for its record, which has no start. */
export function madeBy(source: Source, settings: object = {}) {
  const { seed, device, threads, versions } = source
  return { time: new Date().toISOString(), seed, device, threads, versions, ...originOf(source, settings) }
}

/** For JSON: a teacher is a network of its own, and no plain data. */
export function withoutTeacher(key: string, value: unknown): unknown {
  return key === 'teacher' ? undefined : value
}

/** A data set that a program reads has no name. */
function nameOf(data: Recipe['data']): string | undefined {
  if (typeof data === 'function') return undefined
  return typeof data === 'string' ? data : data.kind
}

function plansOf({ dense, prune, quantize, code }: Recipe): object {
  return { dense, prune, quantize, code }
}
