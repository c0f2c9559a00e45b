import { instance, type Kind } from '../base/kind.js'
import { Network } from './network.js'

/**
 * Any network, its names plain strings: what code takes that works on all of them. (`Network` itself does not
 * vary with its names in a way that the compiler can follow; its public members do.)
 */
export type AnyNetwork = Pick<Network, keyof Network>

/** A network as an argument. */
export const networkKind = instance(
  Network,
  'a network, such as network() or models.lenet5() makes',
) as unknown as Kind<AnyNetwork>
