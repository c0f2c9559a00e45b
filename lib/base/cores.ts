import { readFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'

/** The number of cores that this process may use, taking a container's CPU limit into account; at least 1. */
export function availableCores(): number {
  return Math.max(1, Math.min(availableParallelism(), Math.ceil(cpuQuota())))
}

/** The model of the processor; undefined where the system does not say. */
export function processorName(): string | undefined {
  return cpus()[0]?.model.trim()
}

/** The number of threads that `OMP_NUM_THREADS` allows each pool; Infinity if it is not set. */
export function threadLimit(): number {
  const named = Number.parseInt(process.env.OMP_NUM_THREADS ?? '', 10)
  return named >= 1 ? named : Infinity
}

/**
 * The CPU time, in cores, that the process's control groups allow (`docker run --cpus`, Kubernetes limits); Infinity if
 * there is no limit. Node itself only takes them into account from version 22.16 on.
 *
 * @param root where the system's files are
 */
export function cpuQuota(root = '/'): number {
  const groups = read(join(root, 'proc/self/cgroup')) ?? ''
  let least = Infinity
  for (const line of groups.trim().split('\n')) {
    // A line is "0::/path" in version 2 and "4:cpu,cpuacct:/path" in version 1.
    const [, controllers = '', path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (controllers !== '' && !controllers.split(',').includes('cpu')) continue
    const mount = join(root, 'sys/fs/cgroup', controllers)
    // A parent's limit also applies to its children. In a container, the path may be the host's and not exist here.
    const parts = path.split('/').filter(Boolean)
    for (let depth = parts.length; depth >= 0; depth--) {
      least = Math.min(least, quotaOf(join(mount, ...parts.slice(0, depth)), controllers !== ''))
    }
  }
  return least
}

function quotaOf(folder: string, old: boolean): number {
  const [quota, period] = old
    ? [read(join(folder, 'cpu.cfs_quota_us')), read(join(folder, 'cpu.cfs_period_us'))]
    : (read(join(folder, 'cpu.max')) ?? '').split(' ')
  const cores = Number.parseInt(quota ?? '', 10) / Number.parseInt(period ?? '', 10)
  return cores > 0 ? cores : Infinity
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
