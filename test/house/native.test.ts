import { join } from 'node:path'
import { expect } from 'chai'
import { sourceOf, sources } from '../support/sources.js'

const sourcesOf = (folder: string) => sources(folder, /\.(cc|h)$/)

const includesOf = (file: string) =>
  [...sourceOf(file).matchAll(/^#include [<"]([^>"]+)[>"]/gm)].map(([, path]) => path!)

describe('native/', () => {
  it('has kernels that know memory alone: neither autograd nor JavaScript nor libtorch', () => {
    const coders = sourcesOf('native/coded').filter((file) => !/jobs\.(cc|h)$/.test(file))
    const others = [...sourcesOf('native/kernels'), ...coders].flatMap((file) =>
      includesOf(file)
        .filter((path) => /^(torch|ATen|c10)\/|napi/.test(path) || path.startsWith('../'))
        .map((path) => `${file} includes ${path}`),
    )
    expect(others).to.deep.equal([])
  })

  it('asks a parametrization for what it does, and never which one it is', () => {
    const parametrizations = sourcesOf('native/parameter').flatMap((file) => {
      const [, name] = /^const ParametrizationKind k\w+\("(\w+)"/m.exec(sourceOf(file)) ?? []
      return name === undefined ? [] : [name]
    })
    expect(parametrizations).to.include.members(['sealed', 'spliced'])
    const asks = new RegExp(
      [
        `"(${parametrizations.join('|')})"`,
        '"[^"]*\\bmask\\.h"',
        '\\b(MaskKind|MaskHook|Find(Mask|Seal|Splice))\\b',
        'dynamic_cast<[^>]*\\b(Parametrization|Sealed|Spliced)\\b',
        '\\bpost_acc_grad_hooks\\b',
      ].join('|'),
    )
    const found = sourcesOf('native')
      .filter((file) => !file.startsWith(join('native', 'parameter')))
      .flatMap((file) =>
        sourceOf(file)
          .split('\n')
          .filter((line) => asks.test(line))
          .map((line) => `${file}: ${line}`),
      )
    expect(found).to.deep.equal([])
  })

  it('keeps no static object with a destructor', () => {
    const found = sourcesOf('native').flatMap((file) =>
      sourceOf(file)
        .split('\n')
        .filter((line) =>
          /^(static |thread_local )?(std::(string|vector|map|unordered_map|mutex|shared_ptr|unique_ptr)|at::Tensor)\b.*[;={]$/.test(
            line,
          ),
        )
        .filter((line) => !line.includes('('))
        .map((line) => `${file}: ${line}`),
    )
    expect(found).to.deep.equal([])
  })
})
