import { attribute, type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

const ROSTER = ['none', 'get', 'set', 'both'] as const
const MESSAGE = ['none', 'outgoing'] as const
const PRESENCE = ['none', 'managed_entity', 'roster'] as const

/** What a server lets a component do for its accounts (XEP-0356); what it does not name, it does not let it do. */
export interface Privileges {
  /** Whether it may ask for their rosters, and change them. */
  readonly roster: (typeof ROSTER)[number]
  /** Whether it is told what changes in their rosters. */
  readonly hasRosterPushes: boolean
  /** Whether it may send messages in their names. */
  readonly message: (typeof MESSAGE)[number]
  /** Whose presence it is told of. */
  readonly presence: (typeof PRESENCE)[number]
}

/** COMPAT: servers that know the first version only grant rosters by the same words. */
const NAMESPACES: readonly string[] = [NS.privilege, 'urn:xmpp:privilege:1']

/**
 * ```xml
 * <privilege xmlns='urn:xmpp:privilege:2'>
 *   <perm access='roster' type='both' push='true'/>
 *   <perm access='message' type='outgoing'/>
 * </privilege>
 * ```
 * @see XEP-0356 §4.2, §5.2, §7.2
 */
export function buildPrivileges({ roster, hasRosterPushes, message, presence }: Privileges): Element {
  const perm = (access: string, type: string, push?: string) => (type === 'none' ? undefined : xml('perm', { access, type, push }))
  return xml(
    'privilege',
    { xmlns: NS.privilege },
    perm('roster', roster, String(hasRosterPushes)),
    perm('message', message),
    perm('presence', presence),
  )
}

/** What a message of the server grants; `undefined` where it is about something else. A type nobody knows grants nothing. */
export function parsePrivileges(message: Element): Privileges | undefined {
  const privilege = message.getChildElements().find((child) => child.getName() === 'privilege' && NAMESPACES.includes(child.getNS() ?? ''))
  if (!privilege) return undefined
  const perm = (access: string) => privilege.getChildren('perm', privilege.getNS()).find((one) => attribute(one, 'access') === access)
  const typeOf = <T extends string>(types: readonly T[], access: string) => {
    const given = perm(access)
    return types.find((type) => given && type === attribute(given, 'type')) ?? (types[0] as T)
  }
  const roster = typeOf(ROSTER, 'roster')
  const granted = perm('roster')
  // §4.2: whoever may read them hears of changes, unless the server says that it does not tell.
  const hasRosterPushes = (roster === 'get' || roster === 'both') && (granted && attribute(granted, 'push')) !== 'false'
  return { roster, hasRosterPushes, message: typeOf(MESSAGE, 'message'), presence: typeOf(PRESENCE, 'presence') }
}
