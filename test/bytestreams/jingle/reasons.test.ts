import test from 'ava'
import { errorOfReason, reasonOfFailure } from '../../../src/bytestreams/jingle/reasons.ts'
import { BytestreamError, type ErrorCode } from '../../../src/core/index.ts'
import { jingleConditions } from '../../../src/xep/index.ts'

test('every condition of XEP-0166 §7.4 but success is an error', (t) => {
  for (const condition of jingleConditions) {
    const error = errorOfReason('Romeo has ended the session', { condition, text: 'Sorry, gotta go!' })
    if (condition === 'success') t.is(error, undefined)
    else t.is(error?.message, `Romeo has ended the session: ${condition}, Sorry, gotta go!`)
  }
})

const means = test.macro({
  exec(t, reason: Parameters<typeof errorOfReason>[1], code: ErrorCode) {
    t.is(errorOfReason('', reason)?.code, code)
  },
  title: (given) => `${given}`,
})
test('decline says that it was declined', means, { condition: 'decline' }, 'ERR_DECLINED')
test('gone says that nobody is there', means, { condition: 'gone' }, 'ERR_NO_RESOURCE')
test('timeout says so', means, { condition: 'timeout' }, 'ERR_TIMEOUT')
test('unsupported-transports says that there is no way', means, { condition: 'unsupported-transports' }, 'ERR_NO_VALID_STREAMS')
test(
  'what is about the file counts before the condition (XEP-0234 §9)',
  means,
  { condition: 'media-error', application: 'file-too-large' },
  'ERR_FILE_TOO_LARGE',
)
test('a file that is not there', means, { condition: 'failed-application', application: 'file-not-available' }, 'ERR_ITEM_NOT_FOUND')

const fails = test.macro({
  exec(t, code: ErrorCode, kind: string | undefined, condition: string) {
    t.deepEqual(reasonOfFailure(new BytestreamError(code, ''), kind), { condition })
  },
  title: (given) => `the reason for ${given}`,
})
test('a transport that took too long', fails, 'ERR_TIMEOUT', 'socks5', 'timeout')
test('one that was cancelled', fails, 'ERR_ABORTED', 'socks5', 'cancel')
test('one of which nothing can be taken', fails, 'ERR_NO_VALID_STREAMS', 'socks5', 'unsupported-transports')
test('streamhosts that nobody reaches (XEP-0260 §3)', fails, 'ERR_NO_STREAMHOST', 'socks5', 'connectivity-error')
test('any other transport that failed (XEP-0166 §6.7)', fails, 'ERR_STANZA', 'inBand', 'failed-transport')
