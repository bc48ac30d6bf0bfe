import { createHash } from 'node:crypto'
import test from 'ava'
import { buildPresence, capabilitiesVersion, NS } from '../../src/xep/index.ts'
import { means } from '../helpers/elements.ts'

const exodus = {
  identities: [{ category: 'client', type: 'pc', name: 'Exodus 0.9.1' }],
  features: ['http://jabber.org/protocol/muc', NS.discoInfo, NS.discoItems, NS.capabilities],
}

test('the verification string is that of XEP-0115 §5.2, whatever the order of the features', (t) => {
  t.is(capabilitiesVersion(exodus), 'QgayPKawpkPSDYmwT/WM94uAlu0=')
  t.is(capabilitiesVersion({ ...exodus, features: exodus.features.toReversed() }), 'QgayPKawpkPSDYmwT/WM94uAlu0=')
})

test('another feature, name or identity is another verification string, and a name may be missing (XEP-0115 §5.1)', (t) => {
  const [identity] = exodus.identities
  const others = [
    { ...exodus, features: [...exodus.features, NS.ping] },
    { ...exodus, identities: [{ category: 'client', type: 'pc' }] },
    { ...exodus, identities: [{ category: 'client', type: 'pc', name: 'Exodus 0.9.2' }] },
    { ...exodus, identities: [...(identity ? [identity] : []), { category: 'client', type: 'bot' }] },
  ]
  t.is(new Set([exodus, ...others].map(capabilitiesVersion)).size, 5)
})

test('what forms tell is hashed behind the features, forms, fields and values in the order of octets (XEP-0115 §5.1, step 7)', (t) => {
  const form = (formType: string, fields: Readonly<Record<string, readonly string[]>>) => ({
    ...{ type: 'result' as const, formType },
    fields: Object.entries(fields).map(([name, values]) => ({ var: name, values })),
  })
  const software = form('urn:xmpp:dataforms:softwareinfo', { os: ['Mac'], ip_version: ['ipv6', 'ipv4'] })
  const feeds = form('https://www.npmjs.com/package/streamhost#feeds-accept', {})
  const text = `client/pc//Psi<${NS.ping}<https://www.npmjs.com/package/streamhost#feeds-accept<urn:xmpp:dataforms:softwareinfo<ip_version<ipv4<ipv6<os<Mac<`
  const psi = { identities: [{ category: 'client', type: 'pc', name: 'Psi' }], features: [NS.ping], forms: [software, feeds] }
  t.is(capabilitiesVersion(psi), createHash('sha1').update(text).digest('base64'))
})

test('sorted are octets, not characters of UTF-16 (XEP-0115 §5.1)', (t) => {
  const features = ['\u{1f600}', '\uffee']
  t.is(capabilitiesVersion({ identities: [], features }), capabilitiesVersion({ identities: [], features: features.toReversed() }))
  t.is(capabilitiesVersion({ identities: [], features }), 'dSX/grY6fOoRgz5tKJZjhrNicro=')
})

test('presence with capabilities is XEP-0115 §6.1', (t) => {
  const node = 'http://code.google.com/p/exodus'
  means(
    t,
    buildPresence({ type: 'available' }, { node, ver: 'QgayPKawpkPSDYmwT/WM94uAlu0=' }),
    `<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='${node}' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/></presence>`,
  )
})
