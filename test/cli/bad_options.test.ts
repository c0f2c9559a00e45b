import { join } from 'node:path'
import { badInput } from './bad_input.js'

describe('torch-prune, given bad input,', function () {
  this.timeout(60_000)
  const { recipe, refused, run, write } = badInput()

  describe('refuses an option', () => {
    it('that is out of range, saying the range', async () => {
      const cases: [string[], RegExp][] = [
        [run('--seed', '-1'), /--seed takes a whole number of 0 or more, got '-1'/],
        [run('--seed', '9007199254740992'), /--seed takes a whole number/],
        [run('--seed', '0x10'), /--seed takes a whole number/],
        [run('--threads', '0'), /--threads takes a whole number of 1 to 1024, got '0'/],
        [run('--device', 'gpu'), /--device takes cpu, cuda, cuda:N or best, got 'gpu'/],
        [run('--memory-format', 'nhwc'), /--memory-format takes contiguous or channels-last, got 'nhwc'/],
        [run('--autocast', 'float8'), /--autocast takes bfloat16, float16 or none, got 'float8'/],
        [['train', recipe, '--epochs', '1.5'], /--epochs takes a whole number of 1 or more, got '1\.5'/],
        [['train', recipe, '--lr', '-1'], /--lr takes a number in 0\.\.1e20, got '-1'/],
        [['train', recipe, '--lr', ''], /--lr takes a number in 0\.\.1e20, got ''/],
        [['train', recipe, '--momentum', '1.1'], /--momentum takes a number in 0\.\.1, got '1\.1'/],
        [
          ['prune', recipe, '--weights', 'w', '--density', '1.01'],
          /--density takes a number over 0 and up to 1/,
        ],
        [
          ['prune', recipe, '--weights', 'w', '--density', 'fc1=0.1,fc2=0'],
          /--density takes a number over 0/,
        ],
        [
          ['prune', recipe, '--weights', 'w', '--quality', 'fc1=1,fc2'],
          /--quality takes a layer and a number/,
        ],
        [
          ['prune', recipe, '--weights', 'w', '--quality', 'fc1=1,fc2=1,fc1=2'],
          /--quality takes one number for fc1, got 'fc1=1,fc2=1,fc1=2'/,
        ],
        [
          ['quantize', 'w', '--out', 'q', '--bits', 'fc1=0.5'],
          /--bits takes a whole number in 0\.\.14, for all layers or by layer as in fc1=…,fc2=…, got '0\.5'/,
        ],
        [
          ['prune', recipe, '--weights', 'w', '--phases', 'fc,pool'],
          /--phases takes a list of all, conv, fc, got 'pool'/,
        ],
      ]
      for (const [args, message] of cases) await refused(args, message)
    })

    it('or command that it does not know, or lacks, naming the help', async () => {
      const cases: [string[], RegExp][] = [
        [run('--sede', '1'), /unknown option '--sede' \(Did you mean --seed\?\): see torch-prune run --help/],
        [['run'], /missing required argument 'recipe': see torch-prune run --help/],
        [['prune', recipe], /required option '--weights <file>' not specified/],
        [
          ['prune', recipe, '--weights', 'w', '--density', '0.1', '--quality', '1'],
          /'--density <d>' cannot be used with option '--quality <q>'/,
        ],
        [
          ['runn', 'lenet-5'],
          /there is no command 'runn' \(did you mean run\?\): use one of run, train, prune, sensitivity, tradeoff, shrink, bench, quantize, export, import, pack, inspect, schema, report, doctor, fetch-libtorch/,
        ],
        [['--resume'], /unknown option '--resume': see torch-prune --help/],
        [
          ['help', 'tradeof'],
          /there is no command 'tradeof' \(did you mean tradeoff\?\): use one of run, train/,
        ],
        [['fetch-libtorch', '--cpu', '--cuda'], /cannot be used with/],
      ]
      for (const [args, message] of cases) await refused(args, message)
    })

    it('--device cuda where there is none', async function () {
      const { cuda } = await import('../../lib/tensor/index.js')
      if (cuda.isAvailable()) this.skip()
      await refused(run('--device', 'cuda'), /there is no device 'cuda'/)
      await refused(run('--device', 'cuda:7'), /there is no device 'cuda:7'/)
    })

    it('--out that cannot be written', async () => {
      const file = write('file', 'mine')
      await refused(
        run('--out', file),
        /file: cannot be written, a part of the path is a file; choose another place/,
      )
      await refused(run('--out', join(file, 'below')), /cannot be written, a part of the path is a file/)
      await refused(run('--out', '/dev/null/run'), /\/dev\/null\/run: cannot be written/)
      await refused(run('--out', '/sys/torch-prune'), /\/sys\/torch-prune: /)
    })
  })
})
