/** How to fix what the command line says in other words: by options of its own. */
export const fixes = {
  otherNetwork: 'load it into the network that it is of',
  noGraph: 'make its network and load it with loadWeights()',
  mnistFolder: 'give its folder to data.mnist()',
} as const
