import { BytestreamError, domainOf, StanzaError, tryPrepareJid } from '../core/index.ts'
import {
  attribute,
  buildAddressRequest,
  buildDiscoInfoRequest,
  buildDiscoItemsRequest,
  type Element,
  NS,
  parseDiscoInfo,
  parseDiscoItems,
  parseStreamhosts,
  type StreamhostAddress,
} from '../xep/index.ts'
import { ask, newBytestream } from './contact.ts'
import { type Finding, failed, type Probe, type ProbeContext, passed, skipped, warning } from './probe.ts'
import { formatAddress } from './raw-socket.ts'

/** The address without its first label: the domain a component is plugged into. */
export const parentOf = (jid: string): string => jid.slice(jid.indexOf('.') + 1)

/** @throws StanzaError as the server answered */
async function itemsOf({ session, timings: { answerMsMax }, signal }: ProbeContext, server: string): Promise<readonly string[]> {
  const answer = await session.request({ type: 'get', to: server, payload: buildDiscoItemsRequest() }, { answerMsMax, signal })
  return answer ? parseDiscoItems(answer).map(({ jid }) => tryPrepareJid(jid)) : []
}

const listed: Probe = {
  id: 'listed',
  proves: "the proxy is among the items of the account's server, or of its own domain, where clients look for it",
  section: '§4',
  remedy:
    'Clients find no proxy that the server does not list. Prosody lists components of a subdomain by itself, others when `disco_items` names them; ejabberd lists a component once it is connected; other servers have a setting for it.',
  needs: [],
  scope: 'proxy',
  async run(context) {
    const servers = [...new Set([domainOf(context.session.jid), parentOf(domainOf(context.proxy))])]
    const reasons: string[] = []
    for (const server of servers) {
      try {
        if ((await itemsOf(context, server)).includes(context.proxy)) return passed(`among the items of ${server}`)
        reasons.push(`not among the items of ${server}`)
      } catch (thrown) {
        if (!(thrown instanceof StanzaError)) throw thrown
        reasons.push(thrown.message)
      }
    }
    return failed(reasons.join('; '))
  },
}

const identity: Probe = {
  id: 'identity',
  proves: 'the proxy answers service discovery, with the identity proxy/bytestreams',
  section: '§4',
  remedy:
    'libpurple and slixmpp know a proxy by this identity. If nothing answers, the component is not connected, or the JID is not that of a proxy.',
  needs: [],
  scope: 'proxy',
  async run(context) {
    const answer = await ask(context, 'get', buildDiscoInfoRequest())
    const info = answer ? parseDiscoInfo(answer) : { identities: [], features: [] }
    context.knowledge.info = info
    if (info.identities.some(({ category, type }) => category === 'proxy' && type === 'bytestreams')) return passed('proxy/bytestreams')
    return failed(`shows ${info.identities.map(({ category, type }) => `${category}/${type}`).join(', ') || 'no identity'}`)
  },
}

const feature: Probe = {
  id: 'feature',
  proves: 'the proxy shows the feature http://jabber.org/protocol/bytestreams',
  section: '§3',
  remedy: 'Dino and Gajim know a proxy by this feature: without it they do not use it. This is a fault of the proxy itself.',
  needs: ['identity'],
  scope: 'proxy',
  run: async ({ knowledge }) =>
    knowledge.info?.features.includes(NS.bytestreams) ? passed(NS.bytestreams) : failed(`${NS.bytestreams} is not among the features`),
}

/** What is wrong with an answer to the address query, or its streamhosts. */
function readAddresses(answer: Element | undefined): readonly StreamhostAddress[] | string {
  const elements = answer?.getChildren('streamhost', NS.bytestreams) ?? []
  const streamhosts = answer ? parseStreamhosts(answer) : []
  const [first] = elements
  if (!first) return 'the answer has no streamhost'
  const missing = ['jid', 'host', 'port'].filter((name) => !attribute(first, name))
  if (missing.length > 0) return `the first streamhost, the only one most clients use, lacks ${missing.join(' and ')}`
  if (streamhosts.length < elements.length)
    return `${elements.length - streamhosts.length} of ${elements.length} streamhosts cannot be used`
  return streamhosts
}

const ADDRESS_REMEDY =
  'forbidden: the account may not use this proxy (streamhost: --allow, --deny; Prosody: proxy65_acl, proxy65_open_access; ejabberd: access of mod_proxy65). item-not-found or not-allowed: the proxy has no address to tell, or its port is not open. Otherwise this is a fault of the proxy.'

const address: Probe = {
  id: 'address',
  proves: 'the account is told where the proxy listens: jid, host and port of each streamhost',
  section: '§4',
  remedy: ADDRESS_REMEDY,
  needs: [],
  scope: 'proxy',
  async run(context) {
    const read = readAddresses(await ask(context, 'get', buildAddressRequest()))
    if (typeof read === 'string') return failed(read)
    context.knowledge.streamhosts = read
    const names = read.map(({ jid }) => jid).filter((jid) => tryPrepareJid(jid) !== context.proxy)
    const told = read.map(formatAddress).join(', ')
    return passed(names[0] ? `${told}, under the JID ${names[0]}` : told)
  },
}

const addressWithSid: Probe = {
  id: 'address-sid',
  proves: 'the same address is told to a client that sends a sid along, as before XEP-0065 1.8 (QXmpp)',
  section: '§4',
  remedy: 'QXmpp, and what is built on it, cannot use this proxy. This is a fault of the proxy itself.',
  needs: ['address'],
  scope: 'proxy',
  async run(context) {
    const read = readAddresses(await ask(context, 'get', buildAddressRequest(newBytestream(context).sid)))
    if (typeof read === 'string') return failed(read)
    const tell = (streamhosts: readonly StreamhostAddress[]) => streamhosts.map(formatAddress).join(', ')
    const isSame = tell(read) === tell(context.knowledge.streamhosts)
    return isSame ? passed('the same address') : failed(`${tell(read)} with a sid, ${tell(context.knowledge.streamhosts)} without`)
  },
}

/** What servers on the way say; none of it comes from the proxy. */
const UNREACHED: readonly string[] = ['remote-server-not-found', 'remote-server-timeout']

/** What became of a stranger's question that was not answered with an address. */
function refusedStranger(thrown: unknown, jid: string): Finding {
  if (thrown instanceof StanzaError && thrown.condition === 'forbidden') return passed(thrown.message)
  const isLost = thrown instanceof StanzaError ? UNREACHED.includes(thrown.condition) : isTimeout(thrown)
  if (isLost) return skipped(`nothing comes back to ${jid}, which says nothing of the proxy: ${(thrown as Error).message}`)
  if (thrown instanceof StanzaError) return warning(`refused, but not with forbidden: ${thrown.message}`)
  throw thrown
}

const isTimeout = (thrown: unknown) => thrown instanceof BytestreamError && thrown.code === 'ERR_TIMEOUT'

const stranger: Probe = {
  id: 'stranger',
  proves: 'an account of another domain is refused',
  section: '§4',
  remedy:
    'Everybody who can send a stanza here may use up the bandwidth of this proxy. streamhost: leave --allow out, or name domains only; Prosody: proxy65_acl; ejabberd: access of mod_proxy65.',
  needs: ['address'],
  scope: 'proxy',
  async run(context) {
    const { stranger: asker } = context
    if (!asker) return skipped('no account of another domain was given (--stranger)')
    try {
      await ask(context, 'get', buildAddressRequest(), asker)
    } catch (thrown) {
      return refusedStranger(thrown, asker.jid)
    }
    return failed(`${asker.jid} was told the address`)
  },
}

export const discoveryProbes: readonly Probe[] = [listed, identity, feature, address, addressWithSid, stranger]
