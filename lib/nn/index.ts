// The namespace `nn`: layers, and a prefix for blocks of them.
export { prefix } from './graph.js'
export * from './layers/index.js'
