import { spawnSync } from 'node:child_process'
import { expect } from 'chai'
import { diagnose, formatDiagnosis } from '../../lib/install/doctor.js'
import { writeRecord } from '../../lib/install/record.js'
import { Sandbox } from './sandbox.js'

describe('diagnose', () => {
  it('finds everything in place on a machine that runs the tests', async () => {
    const diagnosis = await diagnose()
    expect(diagnosis.problems).to.deep.equal([])
    expect(diagnosis).to.include({ ok: true, node: process.versions.node })
    expect(diagnosis.addon).to.include({ loads: true, builtFor: diagnosis.libtorch?.version })
    expect(diagnosis.jpeg).to.match(/^(libjpeg-turbo|sharp)$/)
    expect(formatDiagnosis(diagnosis)).to.match(/^JPEG {9}(libjpeg-turbo|sharp)/m)
    expect(formatDiagnosis(diagnosis)).to.match(/^libtorch {5}\d.*^Everything is in place\.$/ms)
  })

  it('says why CUDA is not available, or that it is', async () => {
    const { cuda } = await diagnose()
    if (cuda.available) expect(cuda).to.include({ reason: null })
    else expect(cuda.reason).to.match(/CPU build|no NVIDIA driver|no device/)
  })

  describe('where something is wrong', () => {
    let box: Sandbox
    beforeEach(() => {
      box = new Sandbox()
      process.env.TORCH_PRUNE_ADDON = box.path('addon')
    })
    afterEach(() => box.restore())

    const addon = () => {
      box.write('addon/torch_prune.node', 'not a library')
      box.write('addon/loader.node', 'not a library')
      writeRecord(box.path('addon'), { libtorch: '2.13.0+cpu', cuda: false, torchPrune: '0.1.0' })
    }

    it('names the addon and the libtorch that are missing, each with its mend', async () => {
      const diagnosis = await diagnose()
      expect(diagnosis).to.include({ ok: false, addon: null, libtorch: null })
      expect(diagnosis.problems).to.have.length(2)
      expect(diagnosis.problems[0]).to.match(/^TORCH_PRUNE_ADDON is .*: set it to/)
      expect(diagnosis.problems[1]).to.match(/^no libtorch was found: .* fetch-libtorch fetches one/)
    })

    it('names a libtorch that the addon was not built for', async () => {
      addon()
      process.env.LIBTORCH = box.libtorch('named', '2.14.1+cpu')
      const diagnosis = await diagnose()
      expect(diagnosis.problems).to.have.length(1)
      expect(diagnosis.problems[0]).to.match(
        /^the addon in .* needs libtorch 2\.13\.0\+cpu, .* LIBTORCH is 2\.14\.1\+cpu/,
      )
      expect(formatDiagnosis(diagnosis)).to.match(/^Problem: /m)
    })

    it('outlives an addon that crashes', async () => {
      addon()
      process.env.LIBTORCH = box.libtorch('named', '2.13.0+cpu')
      const source =
        '#include <cstdlib>\n__attribute__((constructor)) static void Crash() { std::abort(); }\n'
      const args = ['-shared', '-fPIC', '-x', 'c++', '-', '-o', box.path('addon/loader.node')]
      const env = { PATH: '/usr/local/bin:/usr/bin:/bin' }
      expect(spawnSync(process.env.CXX ?? 'g++', args, { input: source, env }).status).to.equal(0)
      const diagnosis = await diagnose()
      expect(diagnosis.addon).to.include({ loads: false })
      expect(diagnosis.problems[0]).to.match(
        /^the addon in .* ended with SIGABRT when it was loaded.*: build it again/,
      )
    })
  })
})
