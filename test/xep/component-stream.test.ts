import test from 'ava'
import { buildHandshake, componentStreamHeader, type Element, handshakeDigest, startStreamParser } from '../../src/xep/index.ts'
import { means } from '../helpers/elements.ts'

/** The opening tag, as the other side reads it. */
function read(text: string): Element {
  let header: Element | undefined
  startStreamParser({
    start: (element) => {
      header = element
    },
    element: () => {},
    end: () => {
      throw new SyntaxError('a header is open')
    },
  }).write(text)
  if (!header) throw new SyntaxError('no header')
  return header
}

test('a component opens its stream as in XEP-0114 example 1', (t) => {
  const text = componentStreamHeader('plays.shakespeare.lit')
  t.true(text.startsWith("<?xml version='1.0'?>"))
  means(
    t,
    read(text),
    "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='plays.shakespeare.lit'/>",
  )
})

test('a server opens its stream as in XEP-0114 example 2', (t) => {
  means(
    t,
    read(componentStreamHeader('plays.shakespeare.lit', '3BF96D32')),
    "<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:component:accept' from='plays.shakespeare.lit' id='3BF96D32'/>",
  )
})

test('an address or an id cannot break out of its header', (t) => {
  const evil = `"'/><&\u0000`
  const header = read(componentStreamHeader(evil, evil))
  t.is(header.attrs['from'], `"'/><&\ufffd`)
  t.is(header.attrs['id'], `"'/><&\ufffd`)
})

test('the handshake carries a digest, and its acknowledgement nothing (XEP-0114 examples 3 and 4)', (t) => {
  means(t, buildHandshake('aaee83c26aeeafcbabeabfcbcd50df997e0a2a1e'), '<handshake>aaee83c26aeeafcbabeabfcbcd50df997e0a2a1e</handshake>')
  means(t, buildHandshake(), '<handshake/>')
})

test('the digest is the SHA-1 of stream id and secret in lower-case hexadecimal (XEP-0114 §3)', (t) => {
  // RFC 3174 §7.3, cut in two.
  t.is(handshakeDigest('a', 'bc'), 'a9993e364706816aba3e25717850c26c9cd0d89d')
  // As the UTF-8 it is: "\u00e9" is c3 a9.
  t.is(handshakeDigest('3BF96D32', '\u00e9'), '6a20f5c729e478777331b3766baf3d1c233aef94')
})
