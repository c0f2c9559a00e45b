// Written by `npm run networks` from the files in networks/.
/** The models of which a finished network comes with the package. */
export const pretrainedNames = ['lenet-300-100', 'lenet-5'] as const
