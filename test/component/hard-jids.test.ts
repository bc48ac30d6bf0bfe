import { prepareJid } from '../../src/core/index.ts'
import { computeDstAddr } from '../../src/socks5/index.ts'
import { startProxy } from '../helpers/proxy.ts'
import { login, type RawStream } from '../helpers/raw-client.ts'
import { connectToStreamhost } from '../helpers/raw-socks5.ts'
import { onEachServer } from '../helpers/server.ts'

// What servers make of JIDs that are hard to prepare. The same names are used to log in everywhere; a server may prepare
// them as RFC 6122 says, leave them as they are, choose another resource, or refuse. Whatever it does, both sides may
// hash the JID it writes, or its prepared form: the proxy has to find either.

type Answer = 'prepared' | 'as it is' | 'another one' | 'refused'
interface Row {
  readonly local?: string
  readonly resource: string
  readonly embedded: Answer
  readonly prosody: Answer
  readonly ejabberd: Answer
}

const plain = { embedded: 'as it is', prosody: 'as it is', ejabberd: 'as it is' } as const
/** ejabberd checks that a JID can be prepared, and compares prepared ones, but writes what its user wrote. */
const changed = { embedded: 'prepared', prosody: 'prepared', ejabberd: 'as it is' } as const
const forbidden = { embedded: 'refused', prosody: 'another one', ejabberd: 'refused' } as const
/** Code points younger than Unicode 3.2. */
const young = { embedded: 'as it is', prosody: 'another one', ejabberd: 'refused' } as const

const rows: readonly Row[] = [
  { resource: 'ORCHARD', ...plain },
  { resource: 'two  words', ...plain },
  { resource: ' space at both ends ', ...plain },
  { resource: 'a/b@c', ...plain },
  { resource: '&amp; &lt; &apos;', ...plain },
  { resource: 'Straße İ', ...plain },
  { resource: '漢字', ...plain },
  { resource: 'אב', ...plain },
  { local: 'ROMEO', resource: 'x', ...changed },
  { local: 'ＲＯＭＥＯ', resource: 'x', ...changed },
  { local: 'Straße', resource: 'x', ...changed },
  { resource: '\ufb01n', ...changed },
  { resource: 'ＡＢＣ', ...changed },
  { resource: 'e\u0301', ...changed },
  { resource: 'a\u0300\u0323', ...changed },
  { resource: '\u2126', ...changed },
  { resource: 'soft\u00adhyphen', ...changed },
  { resource: 'zero\u200dwidth', ...changed },
  { resource: 'no\u00a0break', ...changed },
  { resource: 'wide\u3000space', ...changed },
  { resource: '\u{1d54f}', ...changed },
  { resource: 'tab\there', ...forbidden },
  { resource: 'line\u2028separator', ...forbidden },
  { resource: 'אa', ...forbidden },
  { resource: '\ue000', ...forbidden },
  { resource: '😀', ...young },
  { resource: '\u1e9e', ...young },
  { resource: '\u20bd', ...young },
]

const escapes: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&apos;': "'" }
const textOf = (text: string) => text.replace(/&\w+;/g, (escaped) => escapes[escaped] ?? escaped)

/** How `jid` relates to `wanted`. */
function answerOf(jid: string, wanted: string): Answer {
  if (jid === wanted) return 'as it is'
  try {
    return jid === prepareJid(wanted) ? 'prepared' : 'another one'
  } catch {
    return 'another one'
  }
}

const kinds = { 'the embedded server': 'embedded', Prosody: 'prosody', ejabberd: 'ejabberd' } as const

onEachServer('hard JIDs', { accounts: ['romeo', 'strasse', 'target'], components: ['proxy.localhost'] }, (test, kind) => {
  test('the JIDs a server writes, and both ways to hash them', async (t, server) => {
    await using proxy = await startProxy(server, { jid: 'proxy.localhost' })
    const expected = kinds[kind.name as keyof typeof kinds]
    for (const [index, { local = 'romeo', resource, ...row }] of rows.entries()) {
      const wanted = `${local}@localhost/${textOf(resource)}`
      let client: RawStream | undefined
      try {
        client = await login(server.client, server.account(local), resource)
      } catch {
        t.is('refused', row[expected], wanted)
        continue
      }
      t.is(answerOf(client.jid, wanted), row[expected], `${wanted} became ${client.jid}`)
      for (const [way, requester] of [client.jid, prepareJid(client.jid)].entries()) {
        const sid = `${index}-${way}`
        const dstAddr = computeDstAddr(sid, requester, 'target@localhost/x')
        await connectToStreamhost(t, proxy.address, dstAddr)
        await connectToStreamhost(t, proxy.address, dstAddr)
        client.send(`
          <iq type='set' id='${sid}' to='proxy.localhost'>
            <query xmlns='http://jabber.org/protocol/bytestreams' sid='${sid}'><activate>target@localhost/x</activate></query>
          </iq>`)
        const answer = await client.next()
        t.is(answer.attrs['type'], 'result', `${requester}: ${answer}`)
      }
      await client.close()
    }
  })
})
