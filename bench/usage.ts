import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** What `stat` counts in: USER_HZ, 100 on every Linux that Node runs on. */
const STEPS_PER_SECOND = 100

interface Stat {
  readonly parent: number
  readonly cpuSteps: number
}

/** proc(5): the name, which may hold anything, is in parentheses; utime, stime, cutime and cstime follow ten fields later. */
function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { parent: Number(fields[1]), cpuSteps: fields.slice(11, 15).reduce((sum, steps) => sum + Number(steps), 0) }
  } catch {
    return undefined // It has ended meanwhile.
  }
}

/** A process and all below it. */
export function processTree(root: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => [Number(name), statOf(Number(name))?.parent] as const)
  const tree = [root]
  for (const above of tree) for (const [pid, parent] of parents) if (parent === above) tree.push(pid)
  return tree
}

/** User and system time, all threads and ended children included. */
export function cpuSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + (statOf(pid)?.cpuSteps ?? 0), 0) / STEPS_PER_SECOND
}

/** Resident memory. */
export function rssKib(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0), 0)
}

/** The processors this process may run on, as `taskset` writes them. */
const cpusAllowed = () => /^Cpus_allowed_list:\s+(\S+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0'

/** One of them. */
export const firstCpu = (): string => /^\d+/.exec(cpusAllowed())?.[0] ?? '0'

/** Keeps every thread of these processes on {@link firstCpu} until disposed of. */
export function pin(pids: readonly number[]): Disposable {
  const put = (cpus: string) => {
    for (const pid of pids) spawnSync('taskset', ['-acp', cpus, String(pid)], { stdio: 'ignore' })
  }
  put(firstCpu())
  return { [Symbol.dispose]: () => put(cpusAllowed()) }
}
