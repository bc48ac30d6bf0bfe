import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { Host } from './namespaces.ts'
import { makeFolder } from './transfers.ts'

/** A clock that is wrong, for the processes that are started with it. Needs `faketime`. */
export interface WrongClock extends Pick<Host, 'command'> {
  /** It is wrong in another way from now on, at once. */
  setTo(offset: string): Promise<void>
}

/** Debian's library, wherever this machine's libraries are. */
const ENVIRONMENT = ['LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1', 'FAKETIME_NO_CACHE=1', 'FAKETIME_DONT_FAKE_MONOTONIC=1']

/**
 * The date of a process is off, so that its own files are of another time; how time passes is not, as with every clock that is set.
 *
 * @param offset as faketime(1) has it: `+10y`, `-2d`
 */
export async function startWrongClock(t: ExecutionContext, offset: string): Promise<WrongClock> {
  const folder = await makeFolder(t)
  const path = join(folder, 'offset')
  const setTo = async (next: string) => {
    await writeFile(`${path}.next`, next)
    await rename(`${path}.next`, path)
  }
  await setTo(offset)
  return {
    setTo,
    command: (program, args) => ['env', [...ENVIRONMENT, `FAKETIME_TIMESTAMP_FILE=${path}`, program, ...args]],
  }
}
