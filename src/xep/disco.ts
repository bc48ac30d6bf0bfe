import { buildForm, type DataForm, parseForm } from './data-forms.ts'
import { attribute, type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'
import { buildPage, buildPageRequest, type Page, type PageRequest } from './result-set.ts'

/** What an entity is (XEP-0030 §3.1): a category and type of the registrar's, such as `proxy/bytestreams`. */
export interface DiscoIdentity {
  readonly category: string
  readonly type: string
  readonly name?: string | undefined
}

/** What an entity, or a node of it, is and can do (XEP-0030 §3.1). */
export interface DiscoInfo {
  readonly identities: readonly DiscoIdentity[]
  readonly features: readonly string[]
  /** What else it tells of itself (XEP-0128), such as the meta-data of a node (XEP-0060 §5.4). */
  readonly forms?: readonly DataForm[]
}

export interface DiscoItem {
  readonly jid: string
  readonly name?: string | undefined
  readonly node?: string | undefined
}

/**
 * ```xml
 * <query xmlns='http://jabber.org/protocol/disco#info'/>
 * ```
 * @see XEP-0030 §3.1
 */
export function buildDiscoInfoRequest(node?: string): Element {
  return xml('query', { xmlns: NS.discoInfo, node })
}

/**
 * ```xml
 * <query xmlns='http://jabber.org/protocol/disco#info'>
 *   <identity category='proxy' type='bytestreams' name='File Transfer Relay'/>
 *   <feature var='http://jabber.org/protocol/bytestreams'/>
 * </query>
 * ```
 * @see XEP-0030 §3.1, XEP-0065 §4
 */
export function buildDiscoInfo({ identities, features, forms = [] }: DiscoInfo, node?: string): Element {
  return xml(
    'query',
    { xmlns: NS.discoInfo, node },
    ...identities.map(({ category, type, name }) => xml('identity', { category, type, name })),
    ...features.map((feature) => xml('feature', { var: feature })),
    ...forms.map(buildForm),
  )
}

/** What lacks a required attribute is left out. */
export function parseDiscoInfo(query: Element): DiscoInfo {
  const identities: DiscoIdentity[] = []
  const features: string[] = []
  for (const identity of query.getChildren('identity', NS.discoInfo)) {
    const category = attribute(identity, 'category')
    const type = attribute(identity, 'type')
    if (category && type) identities.push({ category, type, name: attribute(identity, 'name') })
  }
  for (const feature of query.getChildren('feature', NS.discoInfo)) {
    const name = attribute(feature, 'var')
    if (name) features.push(name)
  }
  const forms = query.getChildren('x', NS.dataForms).map(parseForm)
  return { identities, features, ...(forms.length > 0 && { forms }) }
}

/** @see XEP-0030 §4.1; XEP-0059 §3 for a page of them */
export function buildDiscoItemsRequest(node?: string, page?: PageRequest): Element {
  return xml('query', { xmlns: NS.discoItems, node }, page && buildPageRequest(page))
}

/** @see XEP-0030 §4.1; XEP-0059 §3 for a page of them */
export function buildDiscoItems(items: readonly DiscoItem[], node?: string, page?: Page): Element {
  const elements = items.map(({ jid, name, node }) => xml('item', { jid, name, node }))
  return xml('query', { xmlns: NS.discoItems, node }, ...elements, page && buildPage(page))
}

/** An item without a JID is left out. */
export function parseDiscoItems(query: Element): DiscoItem[] {
  return query.getChildren('item', NS.discoItems).flatMap((item) => {
    const jid = attribute(item, 'jid')
    return jid ? [{ jid, name: attribute(item, 'name'), node: attribute(item, 'node') }] : []
  })
}
