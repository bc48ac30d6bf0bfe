// Goal: with --log-private the log tells nobody's address, whoever calls the logger.
// Method: every call of a logger in src/ is found by its types. Its sentence has to be a fixed one, and each of its facts
// either one that is left out, or one that is known to be harmless; beside them stand calls that break each rule.

import { PassThrough } from 'node:stream'
import test from 'ava'
import { buildLogger, privateFacts } from '../../src/cli/logging.ts'
import { toPlainText } from '../../src/cli/text.ts'
import { findLogCalls, type LogCall } from '../helpers/log-calls.ts'
import { TestTerminal } from '../helpers/terminal.ts'

/** Our own names and addresses, words and numbers of ours, and `err`, which is shown without its message. */
const harmless: readonly string[] = [
  ...['domain', 'host', 'port', 'protocol', 'engine', 'because', 'end', 'code', 'err', 'sockets', 'fingerprint'],
  'settings',
  'action',
  ...['messageId', 'messages', 'letters'],
  ...['retryMs', 'durationMs', 'firstToSecond', 'secondToFirst'],
  ...['suppressed', 'promised', 'openSocketsMax', 'descriptors'],
  ...['openSockets', 'halfOpen', 'waiting', 'waitingBytes', 'active', 'readAheadBytes'],
]

const PLANTED = 'src/planted.ts'
const plantedText = `
import type { Logger } from './core/index.ts'
interface Facts { readonly from: string; readonly address: string }
export function speak(log: Logger | undefined, { logger }: { logger: Logger }, facts: Facts, jid: string): void {
  logger.info({ jid }, 'fine')
  log?.warn({ ...facts }, 'spread')
  logger.debug(facts, 'passed on')
  logger.error({ jid: { local: jid } }, 'nested')
  logger.error({ jid: [jid] }, 'in a list')
  logger.info({}, \`\${jid} is in the sentence\`)
  logger.info({}, jid ? 'fine' : jid)
  console.info(facts, jid)
}
`
const calls = findLogCalls({ [PLANTED]: plantedText })
const unknownFacts = ({ facts }: LogCall) => facts.filter((name) => !privateFacts.includes(name) && !harmless.includes(name))
const nestedFacts = ({ nested }: LogCall) => nested.filter((name) => name !== 'err')

const planted = calls.filter(({ at }) => at.startsWith(PLANTED))
const own = calls.filter((call) => !planted.includes(call))

test('every fact in the log is left out by --log-private, or harmless, and says all in one value', (t) => {
  t.true(own.length >= 20, `${own.length} calls`)
  for (const call of own) {
    t.deepEqual(unknownFacts(call), [], call.at)
    t.deepEqual(nestedFacts(call), [], call.at)
  }
})

test('no sentence in the log says who or where', (t) => {
  t.deepEqual(
    own.filter(({ isFixed }) => !isFixed).map(({ at }) => at),
    [],
  )
})

test('calls that break these rules are seen, however they are written', (t) => {
  t.deepEqual(
    planted.map((call) => [unknownFacts(call), nestedFacts(call), call.isFixed]),
    [
      [[], [], true],
      [['address'], [], true],
      [['address'], [], true],
      [[], ['jid'], true],
      [[], ['jid'], true],
      [[], [], false],
      [[], [], false],
    ],
  )
})

test('each fact that is left out, or allowed, is one that somebody logs', (t) => {
  const logged = own.flatMap(({ facts }) => facts)
  t.deepEqual(
    [...privateFacts, ...harmless].filter((name) => !logged.includes(name)),
    [],
  )
})

/** The line that is logged, without its time. */
function logLine(isPrivate: boolean, facts: object): Record<string, unknown> {
  const stderr = new PassThrough()
  buildLogger({ stdout: new PassThrough(), stderr }, { level: 'debug', isPrivate }).info(facts, 'a sentence')
  const { time, ...line } = JSON.parse(String(stderr.read()))
  return line
}

const facts = { from: 'juliet@example.org/balcony', remoteAddress: '192.0.2.1', reason: 'juliet left', code: 'ERR_FORBIDDEN', sockets: 2 }

test('a log shows all facts', (t) => {
  t.deepEqual(logLine(false, facts), { level: 30, ...facts, msg: 'a sentence' })
})

test('--log-private leaves out who and where', (t) => {
  t.deepEqual(logLine(true, facts), { level: 30, code: 'ERR_FORBIDDEN', sockets: 2, msg: 'a sentence' })
})

test('--log-private shows where in the program an error came from, and not what it says', (t) => {
  const cause = Object.assign(new TypeError('juliet at 192.0.2.1'), { code: 'ERR_CAUSE' })
  const err = new Error('juliet said\n    at length', { cause })
  const shown = logLine(true, { err })['err'] as Record<string, unknown>
  t.like(shown, { type: 'Error', cause: { type: 'TypeError', code: 'ERR_CAUSE' } })
  t.regex(String(shown['stack']), /^ {4}at .*logging\.test\.ts/)
  t.notRegex(JSON.stringify(shown), /juliet|192\.0\.2\.1|length/)
  t.regex(JSON.stringify(logLine(false, { err })), /juliet said/)
  t.deepEqual(logLine(true, { err: 'juliet' })['err'], { type: 'string' })
})

test('what others put into a fact cannot move the cursor of a terminal, or begin a line', (t) => {
  const terminal = new TestTerminal(80)
  const logger = buildLogger({ stdout: terminal, stderr: terminal }, { level: 'info', isPrivate: false })
  logger.info({ sid: 'a\x1b[2Jb\u009b31mc\u202ed\re\nf\\u001bg\\\\r' }, 'could not activate a bytestream')
  logger.error({ err: new Error('h\x1b[31mi') }, 'answering an IQ failed')
  t.is(terminal.written, terminal.written.split('\n').map(toPlainText).join('\n'))
  t.true(terminal.written.includes('{"sid":"a\ufffd[2Jb\ufffd31mc\ufffdd\ufffde\\nf\\u001bg\\\\r"}\n'))
  t.true(terminal.written.includes('Error: h\ufffd[31mi\n'))
})
