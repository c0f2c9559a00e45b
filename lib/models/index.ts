export { lenet5 } from './lenet5.js'
export { lenet300100 } from './lenet300100.js'
export { createModel, type ModelName, modelNames } from './registry.js'
