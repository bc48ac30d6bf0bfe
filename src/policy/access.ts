import { BytestreamError, bareJid, domainOf, prepareJid, tryPrepareJid } from '../core/index.ts'

/**
 * Who may use the service, judged on the requester. A rule is a bare JID, a full JID, a domain (exactly that one, not
 * its subdomains), or `*` for everybody.
 */
export class AccessList {
  readonly #rules: ReadonlySet<string>

  /** @throws BytestreamError `ERR_CONFIG` for a rule that is none of these */
  constructor(rules: readonly string[]) {
    this.#rules = new Set(rules.map(prepareRule))
  }

  /** @param jid as a server wrote it into `from`; some do not prepare it */
  mayUse(jid: string): boolean {
    const rules = this.#rules
    const prepared = tryPrepareJid(jid)
    return rules.has('*') || rules.has(prepared) || rules.has(bareJid(prepared)) || rules.has(domainOf(prepared))
  }
}

function prepareRule(rule: string): string {
  if (rule === '*') return rule
  try {
    return prepareJid(rule)
  } catch (cause) {
    throw new BytestreamError('ERR_CONFIG', `"${rule}" is neither a JID, a domain, nor *`, { cause })
  }
}

/**
 * Whom a component serves unless told otherwise: the accounts of the domain it is plugged into, which is its own
 * address without the first label.
 *
 * @returns no rule at all for an address of one label
 */
export function defaultRules(componentJid: string): string[] {
  const dot = componentJid.indexOf('.')
  return dot === -1 ? [] : [componentJid.slice(dot + 1)]
}
