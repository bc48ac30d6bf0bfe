import { BytestreamError } from '../core/index.ts'
import { boundedAttribute, chosenAttribute, namespaceOf, requiredAttribute } from './bounded.ts'
import { type Element, xml } from './element.ts'
import {
  buildFileDescription,
  buildFileInfo,
  type JingleFile,
  type JingleFileInfo,
  parseFileDescription,
  parseFileInfo,
} from './jingle-file-transfer.ts'
import { buildJingleInBand, type JingleInBand, parseJingleInBand } from './jingle-in-band.ts'
import { buildReason, type JingleReason, parseReason } from './jingle-reason.ts'
import { type JingleRole, jingleRoles } from './jingle-role.ts'
import { buildJingleSocks5, type JingleSocks5, parseJingleSocks5 } from './jingle-socks5.ts'
import { NS } from './namespaces.ts'

/** XEP-0166 §7.2: every action there is. */
export const jingleActions = [
  ...(['content-accept', 'content-add', 'content-modify', 'content-reject', 'content-remove', 'description-info'] as const),
  ...(['security-info', 'session-accept', 'session-info', 'session-initiate', 'session-terminate'] as const),
  ...(['transport-accept', 'transport-info', 'transport-reject', 'transport-replace'] as const),
] as const

export type JingleAction = (typeof jingleActions)[number]

const directions = ['initiator', 'responder', 'both', 'none'] as const

/** Which sides send over a content. */
export type JingleSenders = (typeof directions)[number]

/** What a content is for. */
export type JingleDescription = { readonly kind: 'file'; readonly file: JingleFile } | { readonly kind: 'unknown'; readonly xmlns: string }

/** How a content travels. */
export type JingleTransport = JingleSocks5 | JingleInBand | { readonly kind: 'unknown'; readonly xmlns: string }

/** One thing a session is for, named by `creator` and `name` together. */
export interface JingleContent {
  /** The side that added it, whoever speaks of it. */
  readonly creator: JingleRole
  readonly name: string
  /** `both` where it does not say (XEP-0166 §7.3). */
  readonly senders?: JingleSenders | undefined
  /** `session` where it does not say (XEP-0166 §7.3). */
  readonly disposition?: string | undefined
  readonly description?: JingleDescription | undefined
  readonly transport?: JingleTransport | undefined
  /** The namespace of a precondition without which the other side does not want to go on (XEP-0166 §9). */
  readonly security?: string | undefined
}

/** What a session-info brings. */
export type JingleInfo =
  | { readonly kind: 'ping' }
  | JingleFileInfo
  | { readonly kind: 'unknown'; readonly xmlns: string; readonly name: string }

/** One step of a session. */
export interface Jingle {
  readonly action: JingleAction
  readonly sid: string
  /** Full JID, in a session-initiate; it may be another than who sends it. */
  readonly initiator?: string | undefined
  /** Full JID, in a session-accept; it may be another than who sends it. */
  readonly responder?: string | undefined
  readonly contents: readonly JingleContent[]
  readonly reason?: JingleReason | undefined
  /** In a session-info. */
  readonly info?: JingleInfo | undefined
}

/** Contents one step may have. */
const CONTENTS_MAX = 100

/** What each content of an action has (XEP-0166 §7.2, §7.3). The contents of an action that has none are not looked at. */
const parts: Readonly<Record<JingleAction, readonly ('description' | 'transport' | 'senders')[] | undefined>> = {
  'content-accept': ['transport'],
  'content-add': ['description', 'transport'],
  'content-modify': ['senders'],
  'content-reject': [],
  'content-remove': [],
  'description-info': [],
  'security-info': [],
  'session-accept': ['description', 'transport'],
  'session-info': undefined,
  'session-initiate': ['description', 'transport'],
  'session-terminate': undefined,
  'transport-accept': ['transport'],
  'transport-info': ['transport'],
  'transport-reject': [],
  'transport-replace': ['transport'],
}

/**
 * ```xml
 * <jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' initiator='romeo@montague.lit/orchard' sid='a73sjjvkla37jfea'>
 *   <content creator='initiator' name='a-file-offer' senders='initiator'>
 *     <description xmlns='urn:xmpp:jingle:apps:file-transfer:5'>…</description>
 *     <transport xmlns='urn:xmpp:jingle:transports:s5b:1' sid='vj3hs98y'>…</transport>
 *   </content>
 * </jingle>
 * ```
 * @see XEP-0166 §7
 */
export function buildJingle({ action, sid, initiator, responder, contents, reason, info }: Jingle): Element {
  return xml(
    'jingle',
    { xmlns: NS.jingle, action, initiator, responder, sid },
    ...contents.map(buildContent),
    reason && buildReason(reason),
    info && buildInfo(info),
  )
}

/**
 * @throws BytestreamError `ERR_BAD_REQUEST` for what XEP-0166 §7 does not allow, for more than is read of anything, and for
 *   what the parsers of descriptions and transports refuse
 * @see XEP-0166 §7
 */
export function parseJingle(payload: Element): Jingle {
  const action = chosenAttribute(payload, 'action', jingleActions)
  if (!payload.is('jingle', NS.jingle) || !action) throw new BytestreamError('ERR_BAD_REQUEST', 'the jingle element lacks its action')
  const sid = requiredAttribute(payload, 'sid')
  const reason = payload.getChild('reason', NS.jingle)
  return {
    action,
    sid,
    initiator: boundedAttribute(payload, 'initiator'),
    responder: boundedAttribute(payload, 'responder'),
    contents: parseContents(payload, action),
    reason: reason && parseReason(reason),
    info: action === 'session-info' ? parseInfo(payload) : undefined,
  }
}

function buildContent({ creator, name, senders, disposition, description, transport, security }: JingleContent): Element {
  return xml(
    'content',
    { creator, disposition, name, senders },
    description && buildDescription(description),
    transport && buildTransport(transport),
    security === undefined ? undefined : xml('security', { xmlns: security }),
  )
}

function buildDescription(description: JingleDescription): Element {
  return description.kind === 'file' ? buildFileDescription(description.file) : xml('description', { xmlns: description.xmlns })
}

function buildTransport(transport: JingleTransport): Element {
  switch (transport.kind) {
    case 'socks5':
      return buildJingleSocks5(transport)
    case 'inBand':
      return buildJingleInBand(transport)
    case 'unknown':
      return xml('transport', { xmlns: transport.xmlns })
  }
}

function buildInfo(info: JingleInfo): Element | undefined {
  if (info.kind === 'ping') return undefined
  return info.kind === 'unknown' ? xml(info.name, { xmlns: info.xmlns }) : buildFileInfo(info)
}

function parseContents(payload: Element, action: JingleAction): JingleContent[] {
  const needed = parts[action]
  if (!needed) return []
  const elements = payload.getChildren('content', NS.jingle)
  if (elements.length === 0) throw new BytestreamError('ERR_BAD_REQUEST', `a ${action} has a content`)
  if (elements.length > CONTENTS_MAX) throw new BytestreamError('ERR_BAD_REQUEST', `more than ${CONTENTS_MAX} contents`)
  const contents = elements.map(parseContent)
  for (const part of needed) {
    if (contents.some((content) => !content[part]))
      throw new BytestreamError('ERR_BAD_REQUEST', `a content of a ${action} lacks its ${part}`)
  }
  if (new Set(contents.map(({ creator, name }) => `${creator} ${name}`)).size < contents.length) {
    throw new BytestreamError('ERR_BAD_REQUEST', 'two contents have one creator and one name')
  }
  // XEP-0166 §7.2.10
  if (action === 'session-initiate' && contents.every(({ disposition }) => (disposition ?? 'session') !== 'session')) {
    throw new BytestreamError('ERR_BAD_REQUEST', 'no content has the disposition session')
  }
  return contents
}

function parseContent(content: Element): JingleContent {
  const children = content.getChildElements()
  const child = (name: string) => children.find((one) => one.getName() === name && one.getNS() !== NS.jingle)
  const description = child('description')
  const transport = child('transport')
  const security = child('security')
  return {
    creator: chosenAttribute(content, 'creator', jingleRoles) ?? 'initiator',
    name: requiredAttribute(content, 'name'),
    senders: chosenAttribute(content, 'senders', directions),
    disposition: boundedAttribute(content, 'disposition'),
    description: description && parseDescription(description),
    transport: transport && parseTransport(transport),
    security: security && namespaceOf(security),
  }
}

function parseDescription(description: Element): JingleDescription {
  const xmlns = namespaceOf(description)
  return xmlns === NS.jingleFileTransfer ? { kind: 'file', file: parseFileDescription(description) } : { kind: 'unknown', xmlns }
}

function parseTransport(transport: Element): JingleTransport {
  const xmlns = namespaceOf(transport)
  if (xmlns === NS.jingleSocks5) return parseJingleSocks5(transport)
  const inBand = xmlns === NS.jingleInBand ? parseJingleInBand(transport) : undefined
  return inBand ?? { kind: 'unknown', xmlns }
}

/** The first child that is not of Jingle itself; a step without one asks whether the session is still there (XEP-0166 §6.8). */
function parseInfo(payload: Element): JingleInfo {
  const info = payload.getChildElements().find((child) => child.getNS() !== NS.jingle)
  if (!info) return { kind: 'ping' }
  return parseFileInfo(info) ?? { kind: 'unknown', xmlns: namespaceOf(info), name: info.getName() }
}
