import { readCoded } from 'torch-prune/coded'

/** The mean and standard deviation of MNIST's training pixels, with which the network was trained. */
const [MEAN, STD] = [0.1307, 0.3081]
const BYTES_PER_NUMBER = 4
const TIMES = 50

/** Fetches a coded file and reads its network, which tells digits apart. */
export async function loadNetwork(url) {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url} did not load: ${response.status} ${response.statusText}`)
  const bytes = await response.arrayBuffer()
  const network = await readCoded(bytes)
  const tensors = [...network.tensors.values()]
  const parameters = tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b), 0)

  /** The probability of each digit, from 28 × 28 pixels of 0 (paper) to 1 (ink). */
  function recognize(pixels) {
    const logits = network.run(Float32Array.from(pixels, (pixel) => (pixel - MEAN) / STD))
    const most = Math.max(...logits)
    const weights = Array.from(logits, (logit) => Math.exp(logit - most))
    const sum = weights.reduce((a, b) => a + b)
    return weights.map((weight) => weight / sum)
  }

  /** How long that takes. The clocks of browsers are coarse, so it is done many times. */
  function secondsFor(pixels) {
    const begin = performance.now()
    for (let i = 0; i < TIMES; i++) recognize(pixels)
    return (performance.now() - begin) / 1000 / TIMES
  }

  return { fileBytes: bytes.byteLength, denseBytes: BYTES_PER_NUMBER * parameters, recognize, secondsFor }
}
