/** Fixes that the command line words differently, in terms of its own options. */
export const fixes = {
  otherNetwork: 'load it into the network that it belongs to',
  noGraph: 'make its network and load it with loadWeights()',
  mnistFolder: 'give its folder to data.mnist()',
} as const
