import { BytestreamError, bareJid, type Clock, formatJid, type Logger, parseJid, resourceOf, version } from '../core/index.ts'
import { answerEntityQueries, IqRouter, ServiceDiscovery } from '../session/index.ts'
import { buildRoster, type DiscoItem, type IqRequest, NS, parseRosterSet } from '../xep/index.ts'
import type { Accounts } from './accounts.ts'
import type { Account } from './client-session.ts'
import type { PresenceService } from './presence.ts'

const NAME = 'streamhost embedded server'

/**
 * What the server answers as itself: service discovery with the connected components as items (XEP-0030), ping,
 * version, uptime, time.
 */
export function answerAsServer(logger: Logger, clock: Clock, domain: string, items: () => readonly DiscoItem[]): IqRouter {
  const iqs = new IqRouter(logger)
  const disco = new ServiceDiscovery(iqs, { isOurs: (to) => to === domain, items })
  disco.add({ identities: [{ category: 'server', type: 'im', name: NAME }], features: [] })
  disco.add(answerEntityQueries(iqs, clock, { name: NAME, version }))
  answerLegacySession(iqs)
  return iqs
}

/**
 * What the server answers for an account (RFC 6121 §8.5.2.1.3): its roster, to itself only; that it is registered;
 * that it has no vCard (XEP-0054 §3.1); ping.
 */
export function answerAsAccount(logger: Logger, accounts: Accounts, presence: PresenceService): IqRouter {
  const iqs = new IqRouter(logger)
  const disco = new ServiceDiscovery(iqs)
  disco.add({ identities: [{ category: 'account', type: 'registered' }], features: [NS.ping, NS.vcard] })
  iqs.handle('get', NS.ping, 'ping', () => undefined)
  iqs.handle('get', NS.vcard, 'vCard', () => {
    throw new BytestreamError('ERR_ITEM_NOT_FOUND', 'accounts have no vCard here')
  })
  answerLegacySession(iqs)

  iqs.handle('get', NS.roster, 'query', (request) => {
    const account = ownAccount(accounts, request)
    const session = account.sessions.get(resourceOf(request.from))
    if (session) session.isInterested = true
    return buildRoster(account.roster.items)
  })
  iqs.handle('set', NS.roster, 'query', (request) => {
    const account = ownAccount(accounts, request)
    const item = parseRosterSet(request.payload)
    const jid = formatJid({ ...parseJid(item.jid), resource: '' })
    if (item.subscription !== 'remove') {
      if (jid === account.jid) throw new BytestreamError('ERR_FORBIDDEN', 'an account is no contact of its own')
      presence.push(account, account.roster.set({ ...item, jid }))
    } else {
      if (!account.roster.items.some((listed) => listed.jid === jid)) throw new BytestreamError('ERR_ITEM_NOT_FOUND', 'no such contact')
      presence.forget(account, jid)
    }
    return undefined
  })
  return iqs
}

/** @throws BytestreamError `ERR_FORBIDDEN` for anybody else's (RFC 6121 §2.1.5) */
function ownAccount(accounts: Accounts, { from, to }: IqRequest): Account {
  const own = bareJid(from)
  const account = to === '' || to === own ? accounts.get(parseJid(own).local) : undefined
  if (!account || account.jid !== own) throw new BytestreamError('ERR_FORBIDDEN', 'a roster is for its owner only')
  return account
}

/** COMPAT(libpurple): begins a session after binding, as RFC 3921 §3 had it, and does not log in without. */
function answerLegacySession(iqs: IqRouter): void {
  iqs.handle('set', NS.session, 'session', () => undefined)
}
