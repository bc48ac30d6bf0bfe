import test from 'ava'
import { buildTextEntry, parseElement, parseEntryTitle, parsePayload } from '../../src/xep/index.ts'
import { means } from '../helpers/elements.ts'

const reads = test.macro({
  exec: (t, text: string, expected: string) => means(t, parsePayload(text), expected),
  title: (given) => `${given} is the element in it`,
})
test('an element alone', reads, "<a xmlns='urn:a'><b>c</b></a>", "<a xmlns='urn:a'><b>c</b></a>")
test('a document', reads, "\ufeff<?xml version='1.0'?>\n<!-- one -->\n<a xmlns='urn:a'/>\n<!-- two -->\n", "<a xmlns='urn:a'/>")
test('an element with prefixes', reads, "<p:a xmlns:p='urn:p'><p:b/></p:a>", "<p:a xmlns:p='urn:p'><p:b/></p:a>")
test('markup that is text', reads, "<a xmlns='urn:a'><![CDATA[<b/>&amp;]]></a>", "<a xmlns='urn:a'>&lt;b/&gt;&amp;amp;</a>")

const refuses = test.macro({
  exec: (t, text: string) => void t.throws(() => parsePayload(text), { code: 'ERR_PUBSUB_INVALID_PAYLOAD' }),
  title: (given) => `${given} is no payload (XEP-0060 §7.1.3.6)`,
})
test('nothing', refuses, ' \n')
test('a text', refuses, 'It is done')
test('two elements', refuses, '<a/><b/>')
test('a text behind an element', refuses, '<a/>b')
test('an element that does not end', refuses, '<a><b/>')
test('an element that ends otherwise', refuses, '<a></b>')
test('an element that ends twice', refuses, '<a/></stream>')
test('a prefix without a namespace', refuses, '<p:a/>')
test('a document type (RFC 6120 §11.1)', refuses, "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>")
test('a processing instruction (RFC 6120 §11.1)', refuses, '<a><?b?></a>')
test('elements that are too deep inside one another', refuses, `${'<a>'.repeat(80)}${'</a>'.repeat(80)}`)

test('a text to publish is an Atom entry, and its title is read again (RFC 4287 §4.1.2)', (t) => {
  const entry = buildTextEntry({
    id: 'urn:uuid:1',
    text: 'It is <done>',
    author: 'hamlet@denmark.lit',
    updatedMs: Date.UTC(2003, 11, 13, 18, 30, 2),
  })
  means(
    t,
    entry,
    `<entry xmlns='http://www.w3.org/2005/Atom'><id>urn:uuid:1</id><title>It is &lt;done&gt;</title><updated>2003-12-13T18:30:02Z</updated>
     <author><name>hamlet@denmark.lit</name><uri>xmpp:hamlet@denmark.lit</uri></author></entry>`,
  )
  t.is(parseEntryTitle(entry), 'It is <done>')
  t.is(parseEntryTitle(parseElement("<entry xmlns='http://www.w3.org/2005/Atom'><id>1</id></entry>")), undefined)
  t.is(parseEntryTitle(parseElement("<entry xmlns='urn:other'><title>It</title></entry>")), undefined)
})
