import { expect } from 'chai'
import { cpuQuota, threadLimit } from '../../lib/base/cores.js'
import { Sandbox } from '../install/sandbox.js'

describe('the cores of a container', () => {
  let box: Sandbox
  beforeEach(() => {
    box = new Sandbox()
  })
  afterEach(() => box.restore())
  const quota = () => cpuQuota(box.folder)

  it('are not limited without control groups, or without a limit in them', () => {
    expect(quota()).to.equal(Infinity)
    box.write('proc/self/cgroup', '0::/\n')
    box.write('sys/fs/cgroup/cpu.max', 'max 100000\n')
    expect(quota()).to.equal(Infinity)
  })

  it('are those of its own group, or of the nearest parent that has fewer', () => {
    box.write('proc/self/cgroup', '0::/pods/one\n')
    box.write('sys/fs/cgroup/pods/one/cpu.max', '400000 100000\n')
    expect(quota()).to.equal(4)
    box.write('sys/fs/cgroup/pods/cpu.max', '150000 100000\n')
    expect(quota()).to.equal(1.5)
  })

  it("are found where the group's path is the host's", () => {
    box.write('proc/self/cgroup', '0::/docker/0123456789\n')
    box.write('sys/fs/cgroup/cpu.max', '50000 100000\n')
    expect(quota()).to.equal(0.5)
  })

  it('are read from the first version of control groups too', () => {
    box.write('proc/self/cgroup', '12:memory:/a\n4:cpu,cpuacct:/a\n')
    box.write('sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us', '200000\n')
    box.write('sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us', '100000\n')
    expect(quota()).to.equal(2)
    box.write('sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us', '-1\n')
    expect(quota()).to.equal(Infinity)
  })

  it('leave OMP_NUM_THREADS its say', () => {
    const before = process.env.OMP_NUM_THREADS
    try {
      process.env.OMP_NUM_THREADS = '3'
      expect(threadLimit()).to.equal(3)
      process.env.OMP_NUM_THREADS = 'many'
      expect(threadLimit()).to.equal(Infinity)
    } finally {
      if (before === undefined) delete process.env.OMP_NUM_THREADS
      else process.env.OMP_NUM_THREADS = before
    }
  })
})
