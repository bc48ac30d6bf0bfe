import type { Verdict } from '../../src/check/index.ts'

/** What does not pass of the bytestream proxies that servers bring: by Debian package and version, probe → verdict. */
export const knownFaults: Readonly<Record<string, Readonly<Record<string, Verdict>>>> = {
  'prosody 0.12.3': {
    stranger: 'skipped',
    'half-close-first': 'failed',
    'half-close-second': 'failed',
    'burst-end': 'failed',
    fragmented: 'failed',
    pipelined: 'failed',
    'upper-case': 'warning',
    'third-waiting': 'failed',
    'third-active': 'failed',
  },
  'ejabberd 23.01': {
    stranger: 'skipped',
    'half-close-first': 'failed',
    'half-close-second': 'failed',
    fragmented: 'failed',
    pipelined: 'failed',
    'upper-case': 'warning',
    'one-socket': 'failed',
    twice: 'warning',
  },
}
