import { TorchPruneError } from '../../base/errors.js'
import { boolean, number, words } from '../../base/kind.js'
import { optional } from '../../base/option.js'
import {
  type Carried,
  described,
  type From,
  type LayerKind,
  type MadeOf,
  type OptionsOf,
  type Reads,
  tableOf,
} from './parts/kind.js'
import { both, size } from './parts/options.js'
import { passing } from './parts/pass.js'
import { image } from './parts/windows.js'

const tables = {
  of: {},
  options: {
    /** Height and width of the output, where no `scaleFactor` says it. */
    size: optional(size(1)),
    /** How many times larger the output is. Its sizes are rounded down. */
    scaleFactor: optional(both(number({ over: 0 }))),
    /** @default 'nearest' */
    mode: optional(words('nearest', 'bilinear'), 'nearest'),
    /**
     * Whether the corners of input and output lie on each other, for `'bilinear'`.
     * @default false
     */
    alignCorners: optional(boolean, false),
  },
}

export interface UpsampleOptions extends OptionsOf<typeof tables.options> {}

export interface UpsampleLayer<From extends string = string> extends Reads<From>, MadeOf<typeof tables> {
  readonly kind: 'upsample'
}

/**
 * Enlarges images, `[N, C, H, W]` to `[N, C, H', W']`, to a `size` or by a `scaleFactor`.
 *
 * @example upsample({ scaleFactor: 2, mode: 'bilinear' })
 */
export function upsample<const F extends Source = never, Source extends string = string>(
  options: From<F> & UpsampleOptions,
): UpsampleLayer<Carried<F, Source>> {
  const layer = described('upsample', tables, {}, options)
  check(layer, 'upsample')
  return layer
}

function check({ size, scaleFactor, mode, alignCorners }: UpsampleLayer, name: string): void {
  if ((size === undefined) === (scaleFactor === undefined)) {
    throw new TorchPruneError('ERR_ARGUMENT', `${name} takes either a size or a scaleFactor`)
  }
  if (!alignCorners || mode === 'bilinear') return
  throw new TorchPruneError('ERR_ARGUMENT', `${name}: alignCorners is for mode 'bilinear'`)
}

export default {
  ...passing,
  table: tableOf(tables),
  check,
  shape({ size, scaleFactor }, [input], refuse) {
    const [channels, height, width] = image(input, refuse)
    const [h, w] = size ?? [Math.floor(height * scaleFactor![0]), Math.floor(width * scaleFactor![1])]
    if (h < 1 || w < 1) throw refuse('an input of which its scaleFactor leaves something')
    return [channels, h, w]
  },
} satisfies LayerKind<UpsampleLayer>
