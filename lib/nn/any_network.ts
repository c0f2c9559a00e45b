import { instance, type Kind } from '../base/kind.js'
import { Network } from './network.js'

/**
 * Any network: the type for code that works on all of them, in which the names of layers are plain strings. It consists
 * of the members of `Network`, because the compiler cannot tell that one `Network` may stand for another.
 */
export type AnyNetwork = Pick<Network, keyof Network>

/** A network as an argument. */
export const networkKind = instance(
  Network,
  'a network, such as network() or models.lenet5() makes',
) as unknown as Kind<AnyNetwork>
