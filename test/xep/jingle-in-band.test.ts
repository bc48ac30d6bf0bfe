import test from 'ava'
import { BytestreamError } from '../../src/core/index.ts'
import { type JingleTransport, NS, parseElement, parseJingle } from '../../src/xep/index.ts'
import { readExamples } from '../helpers/fixtures.ts'

function transportOf(text: string): JingleTransport | undefined {
  return parseJingle(parseElement(text)).contents[0]?.transport
}
const example = (number: number) => transportOf(readExamples('xep-0261').get(number)?.getChild('jingle')?.toString() ?? '')

test('what is offered, what is taken of it and one more are XEP-0261 examples 1, 3 and 9', (t) => {
  t.deepEqual(example(1), { kind: 'inBand', sid: 'ch3d9s71', blockSize: 4096 })
  t.deepEqual(example(3), { kind: 'inBand', sid: 'ch3d9s71', blockSize: 2048 })
  t.deepEqual(example(9), { kind: 'inBand', sid: 'bt8a71h6', blockSize: 2048 })
})

const step = (attributes: string) =>
  `<jingle xmlns='${NS.jingle}' action='transport-replace' sid='a'><content creator='initiator' name='n'><transport xmlns='${NS.jingleInBand}' ${attributes}/></content></jingle>`

test('blocks in message stanzas are another transport, none of ours', (t) => {
  t.deepEqual(transportOf(step("sid='a' block-size='1' stanza='iq'")), { kind: 'inBand', sid: 'a', blockSize: 1 })
  t.deepEqual(transportOf(step("sid='a' block-size='1' stanza='message'")), { kind: 'unknown', xmlns: NS.jingleInBand })
})

const refuses = test.macro({
  exec(t, text: string, words: RegExp) {
    const error = t.throws(() => parseJingle(parseElement(text)), { instanceOf: BytestreamError })
    t.is(error.code, 'ERR_BAD_REQUEST')
    t.regex(error.message, words)
  },
  title: (given) => `${given} is refused`,
})
test('a transport without a sid', refuses, step("block-size='1'"), /sid/)
test('a transport without a block size', refuses, step("sid='a'"), /block-size/)
test('stanzas nobody knows', refuses, step("sid='a' block-size='1' stanza='presence'"), /stanza/)
for (const size of ['', '0', '-1', '65536', '1e3', '4096.5', '99999999999999999999']) {
  test(`a block size of "${size}"`, refuses, step(`sid='a' block-size='${size}'`), /block-size/)
}
