import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** The process that has a part in use, or works a queue, by what nothing that runs later has in common with it. */
export interface Holder {
  readonly host: string
  /** This run of the machine, where it tells. */
  readonly boot: string
  /** Where its process ids count, where the machine tells. */
  readonly namespace: string
  readonly pid: number
  /** When the process began, in a measure of the machine, where it tells. */
  readonly started: string
}

/** Milliseconds without a sign of life after which something is taken from a process nothing can be known of: one of another machine. */
const ELSEWHERE_MS_MAX = 600_000

/** This process. */
export const ownHolder: Holder = {
  host: hostname(),
  boot: told(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
  namespace: told(() => readlinkSync('/proc/self/ns/pid')),
  pid: process.pid,
  started: processOf(process.pid)?.started ?? '',
}

/**
 * Whether the process is over, so that nobody will write into its part, or work its queue, any more.
 *
 * @param untouchedMs since its last write
 */
export function isGone({ host, boot, namespace, pid, started }: Holder, untouchedMs: number): boolean {
  if (host === ownHolder.host && boot !== ownHolder.boot) return true
  if (host !== ownHolder.host || namespace !== ownHolder.namespace) return untouchedMs > ELSEWHERE_MS_MAX
  return !isRunning(pid, started)
}

/** Whether it is this process. */
export function isOwn(holder: Holder): boolean {
  return (Object.keys(ownHolder) as (keyof Holder)[]).every((key) => holder[key] === ownHolder[key])
}

function isRunning(pid: number, started: string): boolean {
  if (ownHolder.started !== '') return processOf(pid)?.started === started
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** A process as Linux tells of it (proc(5)); none of one that is over, or only waits for its parent to notice. */
function processOf(pid: number): { readonly started: string } | undefined {
  const [state = '', ...fields] = told(() => readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '')).split(' ')
  const started = fields[18]
  return started === undefined || state === 'Z' || state === 'X' ? undefined : { started }
}

function told(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}
