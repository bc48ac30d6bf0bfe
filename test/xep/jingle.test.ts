// Goal: what XEP-0166 §7 says of a step of a session is read and built so, whatever else it holds.
// Method: every example of the four specifications, every rule from its other side, and any step there can be.

import test from 'ava'
import fc from 'fast-check'
import { BytestreamError } from '../../src/core/index.ts'
import {
  buildJingle,
  type Element,
  type Jingle,
  jingleActions,
  jingleConditions,
  NS,
  parseElement,
  parseJingle,
} from '../../src/xep/index.ts'
import { elements, means, sent } from '../helpers/elements.ts'
import { defined, readExamples } from '../helpers/fixtures.ts'
import { jingleElements, jingles } from '../helpers/jingle.ts'

const SPECIFICATIONS = ['xep-0166', 'xep-0234', 'xep-0260', 'xep-0261']

/** Applications, transports and preconditions that are not ours have more inside than we say of them. */
function isOurs({ contents, info }: Jingle): boolean {
  const kinds = [info?.kind, ...contents.flatMap(({ description, transport }) => [description?.kind, transport?.kind])]
  return !kinds.includes('unknown') && contents.every(({ security }) => security === undefined)
}

/** What is said of a file has no order (XEP-0234 §15.1). */
function inOrder(element: Element): Element {
  const children = element.getChildElements()
  if (element.is('file')) element.children = children.sort((one, other) => (one.name < other.name ? -1 : 1))
  for (const child of children) inOrder(child)
  return element
}

for (const specification of SPECIFICATIONS) {
  for (const [number, stanza] of readExamples(specification)) {
    const jingle = stanza.getChild('jingle', NS.jingle)
    if (!jingle) continue
    test(`${specification} example ${number} is understood, and built again where it is of our kind`, (t) => {
      const step = parseJingle(jingle)
      t.is(step.sid, jingle.attrs['sid'])
      t.is(step.contents.length, jingle.getChildren('content').length)
      if (isOurs(step)) means(t, inOrder(buildJingle(step)), inOrder(jingle).toString())
      t.deepEqual(defined(parseJingle(sent(buildJingle(step)))), defined(step))
    })
  }
}

test('each specification has as many steps as are read', (t) => {
  const steps = SPECIFICATIONS.map(
    (specification) => [...readExamples(specification).values()].filter((stanza) => stanza.getChild('jingle', NS.jingle)).length,
  )
  t.deepEqual(steps, [21, 14, 9, 4])
})

const says = test.macro({
  exec(t, specification: string, number: number, jingle: Jingle) {
    const payload = readExamples(specification).get(number)?.getChild('jingle') as Element
    t.deepEqual(defined(parseJingle(payload)), jingle)
  },
  title: (given, specification, number) => `${specification} example ${number}: ${given}`,
})
const sid = 'a73sjjvkla37jfea'
const romeo = 'romeo@montague.lit/orchard'
const juliet = 'juliet@capulet.lit/balcony'
const stub = {
  creator: 'initiator',
  name: 'this-is-a-stub',
  description: { kind: 'unknown', xmlns: 'urn:xmpp:jingle:apps:stub:0' },
  transport: { kind: 'unknown', xmlns: 'urn:xmpp:jingle:transports:stub:0' },
} as const
test('a session begins', says, 'xep-0166', 1, { action: 'session-initiate', sid, initiator: romeo, contents: [stub] })
test('it is accepted', says, 'xep-0166', 2, { action: 'session-accept', sid, responder: juliet, contents: [stub] })
test('it ends, with words', says, 'xep-0166', 8, {
  action: 'session-terminate',
  sid,
  contents: [],
  reason: { condition: 'success', text: 'Sorry, gotta go!' },
})
test('it ends for another', says, 'xep-0166', 22, {
  action: 'session-terminate',
  sid,
  contents: [],
  reason: { condition: 'alternative-session', alternativeSid: 'b84tkkwlmb48kgfb' },
})
test('an information of another application', says, 'xep-0166', 30, {
  action: 'session-info',
  sid,
  contents: [],
  info: { kind: 'unknown', xmlns: 'urn:xmpp:jingle:apps:rtp:1:info', name: 'ringing' },
})
test('a ping', says, 'xep-0166', 32, { action: 'session-info', sid, contents: [], info: { kind: 'ping' } })
test('a precondition', says, 'xep-0166', 35, {
  action: 'session-initiate',
  sid,
  initiator: romeo,
  contents: [{ ...stub, security: 'urn:xmpp:jingle:security:stub:0' }],
})
test('more about it', says, 'xep-0166', 36, {
  action: 'security-info',
  sid,
  contents: [{ creator: 'initiator', name: 'xmlstream', security: 'urn:xmpp:jingle:security:xtls:0' }],
})

const step = (action: string, inside = '', attributes = "sid='a'") =>
  `<jingle xmlns='${NS.jingle}' action='${action}' ${attributes}>${inside}</jingle>`
const content = (inside: string, attributes = "creator='initiator' name='n'") => `<content ${attributes}>${inside}</content>`
const DESCRIPTION = "<description xmlns='urn:x:app'/>"
const TRANSPORT = "<transport xmlns='urn:x:transport'/>"
const BOTH = DESCRIPTION + TRANSPORT
const read = (text: string) => parseJingle(parseElement(text))

test('what a content does not say stays unsaid; its creator is the initiator then (XEP-0166 §7.3)', (t) => {
  const { contents } = read(step('session-initiate', content(BOTH, "name='n'")))
  t.like(contents[0], { creator: 'initiator', senders: undefined, disposition: undefined })
})

test('children that nobody knows are passed over', (t) => {
  const other = "<hint xmlns='urn:x:other'/>"
  t.like(read(step('session-initiate', `${other}<unheard/>${content(`${other}<unheard/>${BOTH}`)}`)), { contents: [{ name: 'n' }] })
})

test('elements of Jingle itself are no description and no transport', (t) => {
  const error = t.throws(() => read(step('session-initiate', content('<description/><transport/>'))), { instanceOf: BytestreamError })
  t.regex(error.message, /lacks its description/)
})

test('the contents of an information and of an end mean nothing, and are not looked at', (t) => {
  for (const action of ['session-info', 'session-terminate']) t.deepEqual(read(step(action, content('', "creator='nobody'"))).contents, [])
})

test('a session ends whatever its reason is', (t) => {
  const reason = (inside: string) => defined(read(step('session-terminate', `<reason>${inside}</reason>`)).reason)
  t.deepEqual(reason(''), { condition: 'general-error' })
  t.deepEqual(reason('<unheard/><text>words</text>'), { condition: 'general-error', text: 'words' })
  t.deepEqual(reason("<success xmlns='urn:x:other'/>"), { condition: 'general-error' })
  t.deepEqual(reason('<alternative-session/>'), { condition: 'alternative-session' })
  t.deepEqual(reason("<media-error/><file-too-heavy xmlns='urn:xmpp:jingle:apps:file-transfer:errors:0'/>"), { condition: 'media-error' })
  t.deepEqual(reason(`<gone/><text>${'w'.repeat(5_000)}</text>`), { condition: 'gone', text: 'w'.repeat(4_096) })
  t.is(read(step('session-terminate')).reason, undefined)
})

test('there are 15 actions and 17 conditions (XEP-0166 §7.2, §7.4)', (t) => {
  t.is(new Set(jingleActions).size, 15)
  t.is(new Set(jingleConditions).size, 17)
  for (const condition of jingleConditions) {
    t.is(read(step('content-remove', `${content('')}<reason><${condition}/></reason>`)).reason?.condition, condition)
  }
})

const refuses = test.macro({
  exec(t, text: string, words: RegExp) {
    const error = t.throws(() => read(text), { instanceOf: BytestreamError })
    t.is(error.code, 'ERR_BAD_REQUEST')
    t.regex(error.message, words)
  },
  title: (given) => `${given} is refused`,
})
const long = 'x'.repeat(4_097)
test('an action nobody knows (XEP-0166 §7.2)', refuses, step('session-invent'), /action/)
test('no action', refuses, `<jingle xmlns='${NS.jingle}' sid='a'/>`, /action/)
test('another element', refuses, `<juggle xmlns='${NS.jingle}' action='session-info' sid='a'/>`, /jingle/)
test('an element of another namespace', refuses, "<jingle xmlns='urn:xmpp:jingle:0' action='session-info' sid='a'/>", /jingle/)
test('no sid (XEP-0166 §7.1)', refuses, step('session-info', '', ''), /sid/)
test('an empty sid', refuses, step('session-info', '', "sid=''"), /sid/)
test('a sid that is too long', refuses, step('session-info', '', `sid='${long}'`), /4096/)
test('an initiator that is too long', refuses, step('session-info', '', `sid='a' initiator='${long}'`), /4096/)
test('a content without a name (XEP-0166 §7.3)', refuses, step('content-remove', content('', "creator='initiator'")), /name/)
test('a name that is too long', refuses, step('content-remove', content('', `name='${long}'`)), /4096/)
test('a content nobody can have created', refuses, step('content-remove', content('', "creator='both' name='n'")), /creator/)
test('senders nobody knows', refuses, step('content-modify', content('', "name='n' senders='all'")), /senders/)
test('two contents of one name', refuses, step('content-remove', content('') + content('', "name='n'")), /one name/)
test('a namespace that is too long', refuses, step('content-add', content(`<description xmlns='${long}'/>${TRANSPORT}`)), /4096/)
test('a namespace nobody declared', refuses, step('content-add', content(`<x:description/>${TRANSPORT}`)), /lacks its namespace/)
test(
  'a beginning for something beside a session alone (XEP-0166 §7.2.10)',
  refuses,
  step('session-initiate', content(BOTH, "name='n' disposition='early-session'")),
  /disposition/,
)
for (const action of jingleActions) {
  if (action === 'session-info' || action === 'session-terminate') continue
  test(`a ${action} without a content`, refuses, step(action), /has a content/)
}
for (const [action, inside, part] of [
  ['session-initiate', TRANSPORT, 'description'],
  ['session-initiate', DESCRIPTION, 'transport'],
  ['session-accept', TRANSPORT, 'description'],
  ['session-accept', DESCRIPTION, 'transport'],
  ['content-add', TRANSPORT, 'description'],
  ['content-add', DESCRIPTION, 'transport'],
  ['content-accept', DESCRIPTION, 'transport'],
  ['content-modify', BOTH, 'senders'],
  ['transport-info', DESCRIPTION, 'transport'],
  ['transport-replace', DESCRIPTION, 'transport'],
  ['transport-accept', DESCRIPTION, 'transport'],
] as const) {
  test(`a ${action} with a content that lacks its ${part}`, refuses, step(action, content(inside)), new RegExp(`lacks its ${part}`))
}

test('contents of one name by both sides are two', (t) => {
  const { contents } = read(step('content-remove', content('') + content('', "creator='responder' name='n'")))
  t.is(contents.length, 2)
})

test('a session for something beside it is one, if it is for itself as well (XEP-0166 §7.2.10)', (t) => {
  const early = content(BOTH, "name='early' disposition='early-session'")
  t.is(read(step('session-initiate', early + content(BOTH))).contents.length, 2)
  t.is(read(step('content-add', early)).contents[0]?.disposition, 'early-session')
})

test('so many contents are read and not one more, and those of too many are not looked at', (t) => {
  const named = (count: number, inside: string) => Array.from({ length: count }, (_, n) => content(inside, `name='${n}'`)).join('')
  t.is(read(step('session-initiate', named(100, BOTH))).contents.length, 100)
  const error = t.throws(() => read(step('session-initiate', named(101, '') + content('', ''))), { instanceOf: BytestreamError })
  t.regex(error.message, /more than 100 contents/)
})

test('what is built is read back as it was', (t) => {
  fc.assert(
    fc.property(jingles, (jingle) => {
      t.deepEqual(defined(parseJingle(sent(buildJingle(jingle)))), defined(jingle))
    }),
    { numRuns: 500 },
  )
})

test('any element is read, or refused with a code', (t) => {
  const codes = new Set<string>()
  let read = 0
  fc.assert(
    fc.property(fc.oneof(elements, jingleElements, jingleElements), (element) => {
      try {
        parseJingle(element)
        read++
      } catch (error) {
        if (!(error instanceof BytestreamError)) throw error
        codes.add(error.code)
      }
    }),
    { numRuns: 2_000 },
  )
  t.deepEqual([...codes], ['ERR_BAD_REQUEST'])
  t.true(read > 100, `${read} were read`)
})
