import test from 'ava'
import { EXIT, exitCodeOf } from '../../src/cli/exit-codes.ts'
import { BytestreamError, type ErrorCode, errorCodes, StanzaError } from '../../src/core/index.ts'

/** What a script may rely on; every code that is not here is a failure. */
const promised: Readonly<Record<'usage' | 'refused' | 'absent', readonly ErrorCode[]>> = {
  usage: ['ERR_CONFIG', 'ERR_JID_MALFORMED'],
  refused: [
    'ERR_AUTHENTICATION',
    'ERR_DECLINED',
    'ERR_FILE_TOO_LARGE',
    'ERR_FORBIDDEN',
    'ERR_LIMIT_WAITING',
    'ERR_NOT_ACCEPTABLE',
    'ERR_NO_VALID_STREAMS',
    'ERR_BAD_PROFILE',
  ],
  absent: ['ERR_HANDSHAKE_TIMEOUT', 'ERR_HOST_UNKNOWN', 'ERR_NO_RESOURCE', 'ERR_TIMEOUT', 'ERR_UNREACHABLE'],
}

test('the numbers are 0 done, 1 failed, 2 usage, 3 refused, 4 absent', (t) => {
  t.deepEqual(EXIT, { done: 0, failed: 1, usage: 2, refused: 3, absent: 4 })
})

for (const code of errorCodes.filter((each) => each !== 'ERR_STANZA')) {
  const [name = 'failed'] = (['usage', 'refused', 'absent'] as const).filter((each) => promised[each].includes(code))
  test(`${code} is ${name}`, (t) => {
    t.is(exitCodeOf(new BytestreamError(code, '')), EXIT[name])
  })
}

for (const [condition, name] of [
  ['item-not-found', 'absent'],
  ['recipient-unavailable', 'absent'],
  ['remote-server-not-found', 'absent'],
  ['remote-server-timeout', 'absent'],
  ['service-unavailable', 'absent'],
  ['gone', 'absent'],
  ['forbidden', 'refused'],
  ['not-allowed', 'refused'],
  ['bad-request', 'refused'],
  ['resource-constraint', 'refused'],
  ['internal-server-error', 'refused'],
] as const) {
  test(`an answer of ${condition} is ${name}`, (t) => {
    t.is(exitCodeOf(new StanzaError({ type: 'cancel', condition }, '', 'somebody')), EXIT[name])
  })
}
