import { once } from 'node:events'
import type { Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { BytestreamError } from '../../src/core/index.ts'
import { strangerStanzaLimits, XmlStream, type XmlStreamInit } from '../../src/session/index.ts'
import { buildIqResult, type Element, xml } from '../../src/xep/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { cut, cuts, oneByOne } from '../helpers/fragments.ts'
import { socketPair } from '../helpers/socket-pair.ts'
import { HEADER, stanzas } from '../helpers/streams.ts'

const END = '</stream:stream>'

/** What the other side of a stream sees and does, without knowing any XML. */
class Peer {
  readonly socket: Socket
  /** Everything that came, as text. */
  heard = ''
  /** Settles when the other side has hung up, with everything that came. */
  readonly over: Promise<string>

  constructor(socket: Socket) {
    this.socket = socket.setEncoding('utf8').on('data', (text: string) => {
      this.heard += text
    })
    socket.on('error', () => {}) // A stream that breaks off is what some tests are about.
    this.over = new Promise((resolve) => socket.once('close', () => resolve(this.heard)))
  }

  async hears(text: string): Promise<void> {
    while (!this.heard.includes(text)) await once(this.socket, 'data')
  }

  async write(fragments: readonly (string | Buffer)[]): Promise<void> {
    for (const fragment of fragments) {
      if (this.socket.writable) this.socket.write(fragment)
      await new Promise(setImmediate)
    }
  }
}

/** A stream under test, its other side, and everything it tells. */
async function open(t: ExecutionContext, init: Partial<XmlStreamInit> = {}, options: { readonly allowHalfOpen?: boolean } = {}) {
  const { accepted, connected } = await socketPair(t, options)
  const stream = new XmlStream(accepted, { limits: strangerStanzaLimits, ...init })
  const told: string[] = []
  stream.on('header', (header) => told.push(`header ${header.attrs['xmlns']}`))
  stream.on('element', (element) => told.push(element.toString()))
  stream.on('ended', () => told.push('ended'))
  const closed = new Promise<BytestreamError | undefined>((resolve) => {
    stream.once('closed', (error) => {
      told.push('closed')
      resolve(error)
    })
  })
  return { stream, peer: new Peer(connected), told, closed, socket: accepted }
}

const OPENED = 'header jabber:client'

test('header, elements and end are told in their order, and a proper end is no error', async (t) => {
  const { peer, told, closed } = await open(t)
  await peer.write([HEADER, '<a/><b>c</b>', END])
  t.is(await closed, undefined)
  t.deepEqual(told, [OPENED, '<a/>', '<b>c</b>', 'ended', 'closed'])
  t.is(await peer.over, END, 'and it is answered (RFC 6120 §4.4)')
})

test('a stream knows where its other side is', async (t) => {
  const { stream } = await open(t)
  t.is(stream.remoteAddress, '127.0.0.1')
})

test('any segments tell the same', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(stanzas, { maxLength: 3 }), cuts, async (elements, offsets) => {
      const octets = Buffer.from(`${HEADER}${elements.join(' ')}${END}`)
      const whole = await open(t)
      const fragmented = await open(t)
      await Promise.all([whole.peer.write([octets]), fragmented.peer.write(cut(octets, offsets))])
      t.is((await whole.closed)?.message, (await fragmented.closed)?.message)
      t.deepEqual(fragmented.told, whole.told)
      whole.socket.destroy()
      fragmented.socket.destroy()
    }),
    { numRuns: 25 },
  )
})

test('text in several octets survives segments that cut it', async (t) => {
  const { peer, told, closed } = await open(t)
  await peer.write(oneByOne(Buffer.from(`${HEADER}<a b='é'>漢😀</a>${END}`)))
  await closed
  t.is(told[1], '<a b="é">漢😀</a>')
})

test('an element knows the namespaces of its stream', async (t) => {
  const { stream, peer, closed } = await open(t)
  const elements: Element[] = []
  stream.on('element', (element) => elements.push(element))
  await peer.write([HEADER, '<iq><stream:x/></iq>', END])
  await closed
  t.true(elements[0]?.is('iq', 'jabber:client'))
  t.true(elements[0]?.getChild('x')?.is('x', 'http://etherx.jabber.org/streams'))
})

test('white space between stanzas is no news', async (t) => {
  const { peer, told, closed } = await open(t)
  await peer.write([HEADER, ' ', '\n', ' <a/> ', '\r\n', END, ' '])
  t.is(await closed, undefined)
  t.deepEqual(told, [OPENED, '<a/>', 'ended', 'closed'])
})

test('elements and text are sent as they are, with what XML cannot carry replaced', async (t) => {
  const { stream, peer } = await open(t)
  stream.send(HEADER)
  stream.send(xml('message', { id: '<&"' }, 'a < b\u0000'))
  stream.end()
  t.is(await peer.over, `${HEADER}<message id="&lt;&amp;&quot;">a &lt; b\ufffd</message>${END}`)
})

test('what is sent behind our end of the stream, or after the socket is gone, is dropped', async (t) => {
  const { stream, peer, closed } = await open(t)
  stream.end()
  stream.send('<late/>')
  stream.end()
  t.is(await peer.over, END)
  await closed
  t.notThrows(() => stream.send('<later/>'))
  t.notThrows(() => stream.end())
})

test('after our end the other side may still say what it has to say (RFC 6120 §4.4)', async (t) => {
  const { stream, peer, told, closed } = await open(t, {}, { allowHalfOpen: true })
  stream.end()
  await peer.hears(END)
  await peer.write([HEADER, '<a/>', END])
  peer.socket.end()
  t.is(await closed, undefined)
  t.deepEqual(told, [OPENED, '<a/>', 'ended', 'closed'])
})

test('behind the end of the other side nothing is told', async (t) => {
  const { peer, told, closed } = await open(t)
  await peer.write([`${HEADER}${END}<a/>${END}`])
  t.is(await closed, undefined)
  t.deepEqual(told, [OPENED, 'ended', 'closed'])
})

test('to hang up without the end of the stream is an error', async (t) => {
  const { peer, told, closed } = await open(t)
  await peer.write([HEADER, '<a'])
  peer.socket.end()
  const error = await closed
  t.is(error?.code, 'ERR_SESSION_CLOSED')
  t.regex(error?.message ?? '', /without closing/)
  t.deepEqual(told, [OPENED, 'closed'])
})

test('a reset is an error, with its cause', async (t) => {
  const { peer, closed } = await open(t)
  peer.socket.resetAndDestroy()
  const error = await closed
  t.is(error?.code, 'ERR_SESSION_CLOSED')
  t.like(error?.cause, { code: 'ECONNRESET' })
})

test('a restart expects a new header, in the segment of the element that brought it about or later', async (t) => {
  for (const fragments of [[`${HEADER}<auth/>${HEADER}<a/>${END}`], [HEADER, '<auth/>', HEADER, '<a/>', END]]) {
    const { stream, peer, told, closed } = await open(t)
    stream.on('element', ({ name }) => {
      if (name === 'auth') stream.restart()
    })
    await peer.write(fragments)
    t.is(await closed, undefined)
    t.deepEqual(told, [OPENED, '<auth/>', OPENED, '<a/>', 'ended', 'closed'])
  }
})

test('without a restart a second header ends the stream', async (t) => {
  const { peer, closed } = await open(t)
  await peer.write([HEADER, HEADER])
  t.regex(await peer.over, /<restricted-xml /)
  t.is((await closed)?.code, 'ERR_STREAM')
})

test('a stream error is sent, the stream closed, and nothing is told any more but that it is closed', async (t) => {
  const { stream, peer, told, closed } = await open(t)
  stream.on('element', () => stream.fail({ condition: 'not-authorized', text: 'who are you?' }))
  await peer.write([`${HEADER}<a/><b/>${END}`])
  const error =
    '<stream:error><not-authorized xmlns="urn:ietf:params:xml:ns:xmpp-streams"/><text xmlns="urn:ietf:params:xml:ns:xmpp-streams">who are you?</text></stream:error>'
  t.is(await peer.over, `${error}${END}`)
  t.like(await closed, { code: 'ERR_STREAM', message: 'who are you?' })
  t.deepEqual(told, [OPENED, '<a/>', 'closed'])
})

test('the first error is the one that is told', async (t) => {
  const { stream, closed } = await open(t)
  const first = new BytestreamError('ERR_SHUTTING_DOWN', 'we close')
  stream.fail({ condition: 'system-shutdown', text: '' }, first)
  stream.fail({ condition: 'conflict', text: '' })
  stream.destroy(new BytestreamError('ERR_RESET', 'too late'))
  t.is(await closed, first)
})

test('a stream error that is the first thing said comes behind our header (RFC 6120 §4.9.1.2)', async (t) => {
  const { peer } = await open(t, { header: () => '<stream:stream id="1">' })
  await peer.write(['<a/'])
  await peer.write(['!'])
  t.regex(await peer.over, /^<stream:stream id="1"><stream:error>.*<\/stream:error><\/stream:stream>$/)
})

test('our header is not said twice', async (t) => {
  const { stream, peer } = await open(t, { header: () => '<stream:stream id="1">' })
  stream.send('<stream:stream id="2">')
  stream.fail({ condition: 'conflict', text: '' })
  t.regex(await peer.over, /^<stream:stream id="2"><stream:error>/)
})

test('the other side reads why it is turned away, though it is still talking', async (t) => {
  const { peer, closed } = await open(t)
  // More than one read of ours, more than the limit, and more than a socket buffer would forget.
  await peer.write([HEADER, `<a>${'b'.repeat(4_000_000)}`])
  t.regex(await peer.over, /<policy-violation .*larger than 65536 octets.*<\/stream:stream>$/)
  t.is((await closed)?.code, 'ERR_STANZA_TOO_BIG')
})

test('a stanza that nests too deep is turned away', async (t) => {
  const { peer, closed } = await open(t)
  await peer.write([HEADER, '<a>'.repeat(65)])
  t.regex(await peer.over, /<policy-violation .*deeper than 64/)
  t.is((await closed)?.code, 'ERR_STANZA_TOO_BIG')
})

const ending = [
  ['our end of the stream', (stream: XmlStream) => stream.end(), undefined],
  ['a stream error', (stream: XmlStream) => stream.fail({ condition: 'conflict', text: 'twice' }), 'ERR_STREAM'],
] as const
for (const [what, end, code] of ending) {
  test(`after ${what} the other side has a while to hang up, and no longer`, async (t) => {
    const clock = new FakeClock()
    const { stream, peer, told, closed, socket } = await open(t, { clock, closeMsMax: 1000 }, { allowHalfOpen: true })
    end(stream)
    await peer.hears(END)
    clock.advance(999)
    t.false(socket.destroyed)
    clock.advance(1)
    t.true(socket.destroyed)
    t.is((await closed)?.code, code)
    t.deepEqual(told, ['closed'])
  })

  test(`a socket that is gone after ${what} leaves no timer`, async (t) => {
    const clock = new FakeClock()
    const { stream, closed } = await open(t, { clock })
    end(stream)
    t.is(clock.waiting, 1)
    await closed
    t.is(clock.waiting, 0)
  })
}

test('a peer that hangs up but does not read is not waited for longer than that', async (t) => {
  const clock = new FakeClock()
  const { stream, peer, closed, socket } = await open(t, { clock, closeMsMax: 1000 }, { allowHalfOpen: true })
  peer.socket.pause()
  stream.send(`<a>${'b'.repeat(8_000_000)}</a>`)
  peer.socket.end()
  await once(socket, 'end')
  clock.advance(1000)
  t.is((await closed)?.code, 'ERR_SESSION_CLOSED')
})

test('a peer that does not read is cut off when more waits than the maximum', async (t) => {
  const { stream, peer, closed, socket } = await open(t, { backlogBytesMax: 1_000_000 })
  peer.socket.pause()
  // The system takes a few of them; what it does not take waits here.
  while (!socket.destroyed) stream.send('x'.repeat(500_000))
  const error = await closed
  t.is(error?.code, 'ERR_SESSION_CLOSED')
  t.regex(error?.message ?? '', /unread/)
})

test('many pieces wait for a peer that does not read; what else is said goes between two of them', async (t) => {
  const PIECE = 64 * 1024
  const { stream, peer, closed, socket } = await open(t, { backlogBytesMax: 2 * PIECE })
  peer.socket.pause()
  const pieces = 400 // More than the system takes.
  let begun = 0
  let most = 0
  const all = (async () => {
    while (begun < pieces) {
      begun += 1
      const taken = stream.sendPiece(`<p n="${begun}"${' '.repeat(PIECE)}/>`)
      most = Math.max(most, socket.writableLength)
      t.true(await taken)
    }
  })()
  // The system has had enough when a piece stays here.
  for (let seen = -1; seen !== begun || socket.writableLength === 0; ) {
    seen = begun
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  }
  const before = begun
  t.true(before < pieces)
  stream.send('<answer/>')
  peer.socket.resume()
  await all
  stream.end()
  t.is(await closed, undefined)
  const order = [...(await peer.over).matchAll(/<answer\/>|<p n="(\d+)"/g)].map(([tag, number]) => number ?? tag)
  t.is(order.length, pieces + 1, 'each goes once')
  t.is(order.indexOf('<answer/>'), before, 'behind the pieces that were begun')
  t.true(most < 2 * PIECE, `${most} octets waited`)
})

/** What is written to a socket from now on, each write by itself. */
function writesTo(socket: Socket): string[] {
  const writes: string[] = []
  const write = socket.write.bind(socket) as (...values: unknown[]) => boolean
  socket.write = (...values: unknown[]) => {
    writes.push(String(values[0]))
    return write(...values)
  }
  return writes
}

test('answers to all that came in one read leave in one write, in their order, pieces among them', async (t) => {
  const { stream, peer, socket } = await open(t)
  const writes = writesTo(socket)
  stream.on('element', async ({ name }) => {
    if (name === 'now') return stream.send('<now/>')
    await Promise.resolve()
    if (name === 'later') stream.send('<later/>')
    else void stream.sendPiece('<piece/><piece/>')
  })
  await peer.write([`${HEADER}<later/><now/><many/><later/><now/>`])
  const answers = '<now/><now/><later/><piece/><piece/><later/>'
  await peer.hears(answers)
  t.deepEqual(writes, [answers])
  stream.send('<last/>')
  stream.end()
  t.is(await peer.over, `${answers}<last/>${END}`, 'nothing is lost at the end of the stream')
})

test('what others have to do is done between two pieces, however fast the peer reads', async (t) => {
  const { stream } = await open(t)
  let turns = 0
  const turn = () => {
    turns += 1
    immediate = setImmediate(turn)
  }
  let immediate = setImmediate(turn)
  for (let piece = 1; piece <= 20; piece++) {
    t.true(await stream.sendPiece('<p/>'))
    t.true(turns >= piece - 1, `${turns} turns`)
  }
  clearImmediate(immediate)
})

test('a piece that is not taken is told of, when the connection breaks and ever after', async (t) => {
  const { stream, peer, closed, socket } = await open(t)
  peer.socket.pause()
  const broken = stream.sendPiece('x'.repeat(32_000_000))
  t.true(socket.writableLength > 0)
  peer.socket.destroy()
  t.false(await broken)
  await closed
  t.false(await stream.sendPiece('<p/>'))
})

test('nothing is sent behind the end of the stream, pieces neither', async (t) => {
  const { stream, peer } = await open(t)
  stream.end()
  t.false(await stream.sendPiece('<p/>'))
  t.is(await peer.over, END)
})

test('a peer that reads may be sent any amount', async (t) => {
  const { stream, peer, closed } = await open(t, { backlogBytesMax: 100_000 })
  let sent = 0
  while (sent < 1_000_000) {
    stream.send('x'.repeat(50_000))
    sent += 50_000
    while (peer.heard.length < sent) await once(peer.socket, 'data')
  }
  stream.end()
  t.is(await closed, undefined)
})

test('to hang up without a word tells the reason given, or none', async (t) => {
  for (const reason of [new BytestreamError('ERR_ABORTED', 'enough'), undefined]) {
    const { stream, peer, closed } = await open(t)
    stream.destroy(reason)
    t.is(await closed, reason)
    t.is(await peer.over, '')
  }
})

const isHostile = test.macro({
  async exec(t, text: string, condition: string, before: string | undefined = HEADER) {
    const segments: (string | Buffer)[][] = [[`${before}${text}`], [before, ...oneByOne(Buffer.from(text))]]
    for (const fragments of segments) {
      const { peer, told, closed } = await open(t)
      await peer.write(fragments)
      if (!peer.socket.destroyed) peer.socket.end()
      const heard = await peer.over
      t.regex(heard, new RegExp(`<stream:error><${condition} .*</stream:error>${END}$`))
      const error = await closed
      t.is(error?.code, 'ERR_STREAM')
      t.true(error instanceof BytestreamError)
      t.deepEqual(told, [...(before ? [OPENED] : []), 'closed'])
    }
  },
  title: (given) => `hostile text ends in a stream error, whole or octet by octet: ${given}`,
})
test('an end tag before the header', isHostile, '</x>', 'not-well-formed', '')
test('text before the header', isHostile, 'GET / HTTP/1.1\r\n\r\n', 'bad-format', '')
test('a document type before the header', isHostile, '<!DOCTYPE a [<!ENTITY b "c">]>', 'restricted-xml', '')
test('an end tag of another name', isHostile, '<a><b></a></b>', 'not-well-formed')
test('the end of the stream within a stanza', isHostile, '<a></stream:stream>', 'not-well-formed')
test('an end of the stream of another name', isHostile, '</stream:steam>', 'not-well-formed')
test('an attribute without a value', isHostile, '<a b>', 'not-well-formed')
test('an attribute without quotes', isHostile, '<a b=c>', 'not-well-formed')
test('an attribute without a name', isHostile, "<a ='b'>", 'not-well-formed')
test('a tag in a tag', isHostile, '<a <b>', 'not-well-formed')
test('an entity nobody defined', isHostile, '<a>&lol;</a>', 'not-well-formed')
test('an entity in an attribute', isHostile, "<a b='&lol;'/>", 'not-well-formed')
test('a reference to NUL', isHostile, '<a>&#0;</a>', 'not-well-formed')
test('a reference beyond Unicode', isHostile, "<a b='&#x110000;'/>", 'not-well-formed')
test('a reference that is no number', isHostile, '<a>&#x;</a>', 'not-well-formed')
test('a comment', isHostile, '<!--', 'restricted-xml')
test('a processing instruction', isHostile, '<?php', 'restricted-xml')
test('text between stanzas', isHostile, 'a', 'bad-format')

test('what came before the violation, in the same segment, is told', async (t) => {
  const { peer, told, closed } = await open(t)
  await peer.write([`${HEADER}<a/><b/><!-- c --><d/>`])
  await closed
  t.deepEqual(told, [OPENED, '<a/>', '<b/>', 'closed'])
})

test('names that every object has are names like any other', async (t) => {
  const { stream, peer, closed } = await open(t)
  const replies: string[] = []
  stream.on('element', (element) => replies.push(buildIqResult(element).toString(), element.toString()))
  const stanza = '<constructor id="1" hasOwnProperty="2" toString="3"><valueOf/></constructor>'
  await peer.write([HEADER, stanza, "<a __proto__='b'/>", END])
  t.is(await closed, undefined)
  t.deepEqual(replies.slice(0, 2), ['<iq type="result" id="1"/>', stanza])
})

test('octets of any kind end in no more than a stream error', async (t) => {
  const starts = fc.constantFrom('', HEADER, `${HEADER}<a>`, `${HEADER}<a b='`)
  await fc.assert(
    fc.asyncProperty(starts, fc.uint8Array({ maxLength: 100 }), async (start, octets) => {
      const { peer, closed, socket } = await open(t)
      await peer.write([start, Buffer.from(octets)])
      peer.socket.end()
      const error = await closed
      t.true(error === undefined || error instanceof BytestreamError)
      socket.destroy()
    }),
    { numRuns: 40 },
  )
})

const fails = test.macro({
  async exec(t, event: 'header' | 'element' | 'ended', heardBefore: string[]) {
    const { stream, peer, told, closed } = await open(t)
    const bug = new SyntaxError('a bug of ours, about secrets')
    stream.on(event, () => {
      throw bug
    })
    await peer.write([`${HEADER}<a/><b/>${END}`])
    const error = await closed
    t.like(error, { code: 'ERR_INTERNAL', cause: bug })
    const heard = await peer.over
    t.false(heard.includes('not-well-formed'), 'the other side is not blamed')
    t.false(heard.includes('secrets'), 'and not told what is none of its business')
    if (event !== 'ended') t.regex(heard, /<internal-server-error /)
    t.deepEqual(told, [...heardBefore, 'closed'])
  },
  title: (_, event) => `a listener of "${event}" that throws ends the stream, and "closed" says why`,
})
test(fails, 'header', [OPENED])
test(fails, 'element', [OPENED, '<a/>'])
test(fails, 'ended', [OPENED, '<a/>', '<b/>', 'ended'])

test('what is said in one turn leaves in one piece, in its order, with what it is said after and the end of the stream behind it', async (t) => {
  const { stream, peer } = await open(t)
  await peer.write([HEADER])
  const pieces: string[] = []
  peer.socket.on('data', (text: string) => pieces.push(text))
  const said = Array.from({ length: 50 }, (_, index) => `<m>${index}</m>`)
  for (const text of said) stream.send(text)
  await peer.hears('<m>49</m>')
  t.deepEqual(pieces, [said.join('')])
  stream.send('<last/>')
  stream.end()
  await peer.hears(END)
  t.deepEqual(pieces.slice(1), [`<last/>${END}`])
})
