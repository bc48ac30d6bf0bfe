import test from 'ava'
import fc from 'fast-check'
import { BytestreamError } from '../../src/core/index.ts'
import { buildJson, type JsonContent, type JsonValue, parseElement, parseJson, writeXml } from '../../src/xep/index.ts'
import { isReadOrRefused, means } from '../helpers/elements.ts'

const json = (text: string) => `<json xmlns='urn:xmpp:json:0'>${text}</json>`

test('a container is as XEP-0335 §3 shows it', (t) => {
  const romeo = { name: 'romeo', age: '421', status: 'single' }
  means(t, buildJson(romeo), json('{"name":"romeo","age":"421","status":"single"}'))
  t.deepEqual(parseJson(parseElement(json('\n { "name": "romeo", "age": "421", "status": "single" }\n'))), romeo)
})

test('white space, markup and characters that XML cannot carry come back as they were', (t) => {
  for (const text of ['\t\r\n', '<a>&amp;</a>', ']]>', '\0\u0008\u001f', '\ufffe\uffff', '\ud800', '\u2028']) {
    t.deepEqual(parseJson(parseElement(writeXml(buildJson([text])))), [text])
  }
})

const refuses = test.macro({
  exec(t, text: string) {
    t.throws(() => parseJson(parseElement(text)), { instanceOf: BytestreamError, code: 'ERR_BAD_REQUEST' })
  },
  title: (given) => `${given} is refused (XEP-0335 §4)`,
})
test('an empty container', refuses, json(''))
test('a text that is no JSON', refuses, json('{a: 1}'))
test('JSON that is cut', refuses, json('{"a":[1,2'))
test('two texts of JSON', refuses, json('{}{}'))
test('an element inside', refuses, json('{}<a/>'))
test('another element', refuses, json('{}').replace('json:0', 'json:1'))
for (const text of ['1', '"a"', 'true', 'null']) test(`${text}, which RFC 4627 takes for no text of JSON,`, refuses, json(text))

test('anything JSON can say comes back as it was', (t) => {
  const values = fc.jsonValue({ stringUnit: 'binary' }) as fc.Arbitrary<JsonValue>
  const contents: fc.Arbitrary<JsonContent> = fc.oneof(fc.array(values), fc.dictionary(fc.string({ unit: 'binary' }), values))
  fc.assert(
    fc.property(contents, (value) => {
      t.deepEqual(parseJson(parseElement(writeXml(buildJson(value)))), JSON.parse(JSON.stringify(value)))
    }),
  )
})

test('anything is read or refused', (t) => {
  isReadOrRefused(buildJson({ a: [1, '<'] }), parseJson)
  t.pass()
})
