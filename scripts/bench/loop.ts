import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { data, jobThreads, models as library, type Network, optim, train } from '../../lib/index.js'
import { RATES } from '../lenet/task.js'
import type { Measurement, Part } from './result.js'

const NANOSECONDS = 1e-6

/**
 * Measures how late the event loop is while a service trains with its default thread count and listens to the progress.
 */
export const benchLoop: Part = async ({ seconds, models, data: dir }, say) => {
  const { train: samples } = await data.mnist(dir)
  const measurements: Measurement[] = []
  say(`event loop: idle for ${seconds} s`)
  measurements.push(await watch('event loop delay, idle', () => sleep(seconds * 1000)))
  for (const model of models) {
    say(`event loop: training ${model} for ${seconds} s, threads: ${jobThreads()}`)
    using network = library.createModel(model)
    const measured = await watch(`event loop delay, training ${model}`, () =>
      trainFor(seconds, network, model),
    )
    measurements.push({ ...measured, target: 10 })
  }
  return measurements

  async function trainFor(seconds: number, network: Network, model: keyof typeof RATES): Promise<void> {
    const signal = AbortSignal.timeout(seconds * 1000)
    const optimizer = optim.sgd({ lr: RATES[model], momentum: 0.9 })
    try {
      await train(network, samples, { epochs: 1000, optimizer, signal, onProgress: () => {} })
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }
}

/** The delay between two ticks of a 1 ms timer, including that millisecond. */
async function watch(what: string, work: () => Promise<void>): Promise<Measurement> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await work()
  delay.disable()
  const [median, late, most] = [delay.percentile(50), delay.percentile(99), delay.max].map(
    (value) => value * NANOSECONDS,
  ) as [number, number, number]
  const note = `median ${median.toFixed(1)} ms, max ${most.toFixed(1)} ms`
  return { what: `${what}, p99`, unit: 'ms', value: late, note }
}
