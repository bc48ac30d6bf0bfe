import fc from 'fast-check'
import {
  buildJingle,
  type Element,
  type Hash,
  type Jingle,
  type JingleContent,
  type JingleDescription,
  type JingleFile,
  type JingleInfo,
  type JingleReason,
  type JingleTransport,
  jingleActions,
  jingleConditions,
} from '../../src/xep/index.ts'
import { elements } from './elements.ts'

const texts = fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' })
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const roles = fc.constantFrom('initiator' as const, 'responder' as const)
const xmlnses = fc.constantFrom('urn:xmpp:jingle:apps:rtp:1', 'urn:xmpp:jingle:transports:ice-udp:1', 'urn:x')

const lengths = { md5: 16, 'sha-1': 20, 'sha-256': 32, 'sha3-512': 64, 'x-unheard': 5 }
const hash = (algo: keyof typeof lengths): fc.Arbitrary<Hash> =>
  fc.uint8Array({ minLength: lengths[algo], maxLength: lengths[algo] }).map((octets) => ({ algo, value: Buffer.from(octets) }))
const algos = fc.uniqueArray(fc.constantFrom(...(Object.keys(lengths) as (keyof typeof lengths)[])), { maxLength: 3 })
const hashes: fc.Arbitrary<readonly Hash[]> = algos.chain((names) => fc.tuple(...names.map(hash)))
const ranges = fc.record({
  offset: maybe(fc.maxSafeNat()),
  length: maybe(fc.maxSafeNat()),
  hashes: hashes.map((all) => (all.length > 0 ? all : undefined)),
})

const files: fc.Arbitrary<JingleFile> = fc.record({
  name: maybe(texts),
  size: maybe(fc.maxSafeNat()),
  date: maybe(texts),
  description: maybe(texts),
  mediaType: maybe(texts),
  hashes,
  hashUsed: algos,
  range: maybe(ranges),
})

const descriptions: fc.Arbitrary<JingleDescription> = fc.oneof(
  files.map((file) => ({ kind: 'file' as const, file })),
  xmlnses.map((xmlns) => ({ kind: 'unknown' as const, xmlns })),
)

const candidates = fc.record({
  cid: texts,
  host: texts,
  jid: texts,
  port: fc.integer({ min: 1, max: 65_535 }),
  priority: fc.nat(),
  type: fc.constantFrom('direct' as const, 'assisted' as const, 'tunnel' as const, 'proxy' as const),
})

const transports: fc.Arbitrary<JingleTransport> = fc.oneof(
  fc.record({
    kind: fc.constant('socks5' as const),
    sid: texts,
    dstAddr: maybe(texts),
    mode: maybe(fc.constantFrom('tcp' as const, 'udp' as const)),
    candidates: fc.uniqueArray(candidates, { maxLength: 4, selector: ({ cid }) => cid }),
    info: maybe(
      fc.oneof(
        texts.map((used) => ({ used })),
        texts.map((activated) => ({ activated })),
        fc.constantFrom({ error: 'candidate' as const }, { error: 'proxy' as const }),
      ),
    ),
  }),
  fc.record({ kind: fc.constant('inBand' as const), sid: texts, blockSize: fc.integer({ min: 1, max: 65_535 }) }),
  xmlnses.map((xmlns) => ({ kind: 'unknown' as const, xmlns })),
)

/** With every part any action could need. */
const contents: fc.Arbitrary<JingleContent> = fc.record({
  creator: roles,
  name: texts,
  senders: fc.constantFrom('initiator' as const, 'responder' as const, 'both' as const, 'none' as const),
  disposition: maybe(fc.constant('session')),
  description: descriptions,
  transport: transports,
  security: maybe(xmlnses),
})

const reasons: fc.Arbitrary<JingleReason> = fc
  .record({
    condition: fc.constantFrom(...jingleConditions),
    text: maybe(texts),
    application: maybe(fc.constantFrom('file-not-available' as const, 'file-too-large' as const)),
    alternativeSid: maybe(texts),
  })
  .map((reason) => (reason.condition === 'alternative-session' ? reason : { ...reason, alternativeSid: undefined }))

const infos: fc.Arbitrary<JingleInfo> = fc.oneof(
  fc.constant({ kind: 'ping' as const }),
  fc.record({ kind: fc.constant('received' as const), creator: maybe(roles), name: maybe(texts) }),
  fc.record({
    kind: fc.constant('checksum' as const),
    creator: maybe(roles),
    name: maybe(texts),
    file: fc.record({ hashes: hashes.filter((all) => all.length > 0), hashUsed: algos, range: maybe(ranges) }),
  }),
  fc.record({ kind: fc.constant('unknown' as const), xmlns: xmlnses, name: fc.constantFrom('ringing', 'hold') }),
)

/** Any step of a session that is in order. */
export const jingles: fc.Arbitrary<Jingle> = fc
  .record({
    action: fc.constantFrom(...jingleActions),
    sid: texts,
    initiator: maybe(texts),
    responder: maybe(texts),
    contents: fc.uniqueArray(contents, { minLength: 1, maxLength: 3, selector: ({ creator, name }) => `${creator} ${name}` }),
    reason: maybe(reasons),
    info: infos,
  })
  .map(({ action, contents, info, ...rest }) => ({
    ...rest,
    action,
    contents: action === 'session-info' || action === 'session-terminate' ? [] : contents,
    info: action === 'session-info' ? info : undefined,
  }))

/** The elements inside `element`, and itself. */
function within(element: Element): Element[] {
  return [element, ...element.getChildElements().flatMap(within)]
}

const NAMES = ['sid', 'action', 'creator', 'name', 'senders', 'cid', 'port', 'priority', 'type', 'algo', 'block-size', 'offset', 'xmlns']

/** Steps of which one thing is not in order: an attribute or a text is another, an element is gone, or is there that should not. */
export function broken(steps: fc.Arbitrary<Jingle>): fc.Arbitrary<Element> {
  const faults = fc.constantFrom('attribute', 'absent', 'text', 'empty', 'child', 'twice')
  return fc.tuple(steps, fc.nat(), faults, fc.constantFrom(...NAMES), texts, elements).map(([jingle, index, fault, name, text, child]) => {
    const root = buildJingle(jingle)
    const all = within(root)
    const element = all[index % all.length] as Element
    if (fault === 'attribute') element.attrs[name] = text
    else if (fault === 'absent') delete element.attrs[name]
    else if (fault === 'text') element.children = [text]
    else if (fault === 'empty') element.children = []
    else if (fault === 'child') element.append(child)
    else element.children = [...element.children, ...element.children]
    return root
  })
}

export const jingleElements = broken(jingles)
