import { z } from 'zod'

const count = z.int().min(0)

/** The schema of what a run or a study was made from, and where. All of it is missing in older files. */
export const originFields = {
  /** The name of the machine. */
  host: z.string().optional(),
  /** The model of the processor, or of the GPU if that computed. */
  processor: z.string().optional(),
  /** The command that repeats it, if a command made it. */
  command: z.string().optional(),
  /** The data set, and the number of samples in each of its parts. */
  data: z
    .looseObject({
      /** The name of the data set, if it has one. */
      name: z.string().optional(),
      /** The folder or file that was given. */
      path: z.string().optional(),
      train: count,
      validation: count,
      test: count,
    })
    .optional(),
  /** The plans of the recipe, whole, as plain data. */
  settings: z.unknown().optional(),
}

/** The schema of the versions that a run used. */
export const versions = z.looseObject({ torchPrune: z.string(), libtorch: z.string(), node: z.string() })

/** The schema of where a study was made. */
export const madeSchema = z.looseObject({
  time: z.iso.datetime(),
  seed: count,
  device: z.string(),
  threads: z.int().min(1),
  versions,
  ...originFields,
})
