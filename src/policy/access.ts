import { BytestreamError, bareJid, domainOf, prepareJid, tryPrepareJid } from '../core/index.ts'

/** The prepared JIDs and domains that rules name. */
type Rules = ReadonlySet<string>

/**
 * Who may use the service, judged on the requester. A rule is a bare JID, a full JID, a domain (exactly that one, not
 * its subdomains), or `*` for everybody. A rule that denies beats all that allow.
 */
export class AccessList {
  #allow: Rules
  #deny: Rules

  /** @throws BytestreamError `ERR_CONFIG` for a rule that is none of these */
  constructor(allow: readonly string[], deny: readonly string[] = []) {
    this.#allow = prepareRules(allow)
    this.#deny = prepareRules(deny)
  }

  /**
   * Puts other rules in the place of all there are, for every question from now on.
   *
   * @throws BytestreamError as the constructor does; then the old rules stay
   */
  replace(allow: readonly string[], deny: readonly string[] = []): void {
    const [allowed, denied] = [prepareRules(allow), prepareRules(deny)]
    this.#allow = allowed
    this.#deny = denied
  }

  /** @param jid as a server wrote it into `from`; some do not prepare it */
  mayUse(jid: string): boolean {
    return covers(this.#allow, jid) && !covers(this.#deny, jid)
  }
}

/** Part by part: a resource that has no prepared form must not hide whose it is. */
function covers(rules: Rules, jid: string): boolean {
  if (rules.size === 0) return false
  return rules.has('*') || [domainOf, bareJid, whole].some((part) => rules.has(tryPrepareJid(part(jid))))
}

const whole = (jid: string) => jid

function prepareRules(rules: readonly string[]): Rules {
  return new Set(rules.map(prepareRule))
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
