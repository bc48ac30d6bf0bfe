import type { Host } from './namespaces.ts'

/** Debian's library, wherever this machine's libraries are. */
const ENVIRONMENT = ['LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1', 'FAKETIME_NO_CACHE=1', 'FAKETIME_DONT_FAKE_MONOTONIC=1']

/**
 * The date of the processes that are started with it is off; how time passes is not, as with every clock that is set. Needs `faketime`.
 *
 * @param offset as faketime(1) has it: `+10y`, `-2d`
 */
export const withClock = (offset: string): Pick<Host, 'command'> => ({
  command: (program, args) => ['env', [...ENVIRONMENT, `FAKETIME=${offset}`, program, ...args]],
})
