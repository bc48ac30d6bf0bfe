import type { ExecutionContext } from 'ava'
import { attribute, type Element, NS, type PubsubEvent } from '../../src/xep/index.ts'
import type { Cli } from './cli.ts'
import { formText, pubsub as inPubsub, owner as ofOwner } from './pubsub-examples.ts'
import { PubsubLine } from './pubsub-line.ts'
import { outcome } from './pubsub-service.ts'
import type { ServerUnderTest } from './server.ts'

const KIB = 1024

/** Accounts of the server the service is behind. */
export const parties = ['hamlet', 'francisco']

/** What somebody hostile asks of a service on which `hamlet` owns nodes, and what comes of it. */
interface Attempt {
  readonly what: string
  readonly type?: 'get' | 'set'
  readonly payload: string
  readonly outcome: string
}

const note = (text = 'mine') => `<note xmlns='urn:example:note'>${text}</note>`
const field = (name: string, ...values: string[]) =>
  `<field var='pubsub#${name}'>${values.map((value) => `<value>${value}</value>`).join('')}</field>`
const config = (fields: string) => `<configure>${formText('submit', 'node_config', fields)}</configure>`
const set = (what: string, inside: string, expected: string): Attempt => ({ what, payload: inPubsub(inside), outcome: expected })
const setAsOwner = (what: string, inside: string, expected: string): Attempt => ({ what, payload: ofOwner(inside), outcome: expected })
const getAsOwner = (what: string, inside: string): Attempt => ({ ...setAsOwner(what, inside, 'auth forbidden'), type: 'get' })

const OWNER = 'hamlet@localhost'
const FORBIDDEN = 'auth forbidden'

/** What the owner sets up first. */
const scene: readonly string[] = [
  inPubsub("<create node='open'/>"),
  inPubsub(`<create node='closed'/>${config(field('access_model', 'whitelist'))}`),
  inPubsub(`<create node='asking'/>${config(field('access_model', 'authorize'))}`),
  inPubsub(`<publish node='open'><item id='kept'>${note('kept')}</item></publish>`),
  inPubsub(`<publish node='closed'><item id='kept'>${note('kept')}</item></publish>`),
  inPubsub(`<subscribe node='open' jid='${OWNER}'/>`),
]

const own = inPubsub(`<create node='own'/>${config(field('max_payload_size', `${10 * KIB}`))}`)

/** What is not for whoever asks. */
const trespasses: readonly Attempt[] = [
  set('subscribing as somebody else', `<subscribe node='open' jid='${OWNER}'/>`, 'modify bad-request invalid-jid'),
  set('subscribing as nobody', "<subscribe node='open'/>", 'modify bad-request jid-required'),
  set('ending the subscription of somebody else', `<unsubscribe node='open' jid='${OWNER}'/>`, FORBIDDEN),
  { ...set('reading the options of somebody else', `<options node='open' jid='${OWNER}'/>`, FORBIDDEN), type: 'get' },
  set('publishing where only publishers may', `<publish node='open'><item>${note()}</item></publish>`, FORBIDDEN),
  set('publishing to a whitelist', `<publish node='closed'><item>${note()}</item></publish>`, FORBIDDEN),
  set('retracting an item of somebody else', "<retract node='open'><item id='kept'/></retract>", FORBIDDEN),
  set('subscribing to a whitelist', "<subscribe node='closed' jid='francisco@localhost'/>", 'cancel not-allowed closed-node'),
  { ...set('reading the items of a whitelist', "<items node='closed'/>", 'cancel not-allowed closed-node'), type: 'get' },
  { ...set('reading items that need approval', "<items node='asking'/>", 'auth not-authorized not-subscribed'), type: 'get' },
  getAsOwner('reading a configuration', "<configure node='open'/>"),
  getAsOwner('reading who is subscribed', "<subscriptions node='open'/>"),
  getAsOwner('reading who is what', "<affiliations node='open'/>"),
  setAsOwner(
    'configuring the node of somebody else',
    `<configure node='open'>${formText('submit', 'node_config', field('title', 'mine'))}</configure>`,
    FORBIDDEN,
  ),
  setAsOwner('deleting the node of somebody else', "<delete node='open'/>", FORBIDDEN),
  setAsOwner('purging the node of somebody else', "<purge node='open'/>", FORBIDDEN),
  setAsOwner(
    'making oneself an owner',
    "<affiliations node='open'><affiliation jid='francisco@localhost' affiliation='owner'/></affiliations>",
    FORBIDDEN,
  ),
  setAsOwner(
    'approving oneself',
    "<subscriptions node='closed'><subscription jid='francisco@localhost' subscription='subscribed'/></subscriptions>",
    FORBIDDEN,
  ),
]

const elements = (levels: number) => `<a xmlns="urn:example:a">${'<a>'.repeat(levels - 1)}${'</a>'.repeat(levels)}`

/** What is too much, or makes no sense; whoever asks has a node of its own, `own`. */
const nonsense: readonly Attempt[] = [
  set(
    'a payload that is larger than its node takes',
    `<publish node='own'><item>${note('x'.repeat(20 * KIB))}</item></publish>`,
    'modify not-acceptable payload-too-big',
  ),
  set('two payloads', `<publish node='own'><item>${note()}${note()}</item></publish>`, 'modify bad-request invalid-payload'),
  set('101 items', `<publish node='own'>${`<item>${note()}</item>`.repeat(101)}</publish>`, 'cancel not-allowed max-items-exceeded'),
  set('a payload as deep as a stream carries', `<publish node='own'><item>${elements(50)}</item></publish>`, 'result'),
  set(
    'a form with fields nobody knows',
    `<create node='odd'/>${config(`${field('no_such_thing', '1')}<field var='__proto__'><value>1</value></field>`)}`,
    'result',
  ),
  setAsOwner(
    'a form with a field that comes twice',
    `<configure node='own'>${formText('submit', 'node_config', field('title', 'a') + field('title', 'b'))}</configure>`,
    'modify bad-request',
  ),
  setAsOwner(
    'a form with 300 fields',
    `<configure node='own'>${formText('submit', 'node_config', Array.from({ length: 300 }, (_, index) => field(`x${index}`, '1')).join(''))}</configure>`,
    'modify bad-request',
  ),
  setAsOwner(
    'a field with two values where there can be one',
    `<configure node='own'>${formText('submit', 'node_config', field('max_items', '1', '2'))}</configure>`,
    'modify not-acceptable',
  ),
  setAsOwner(
    'a form of another kind',
    `<configure node='own'>${formText('submit', 'subscribe_options', field('title', 'a'))}</configure>`,
    'modify bad-request',
  ),
  set(
    'publish-options nobody knows',
    `<publish node='own'><item>${note()}</item></publish><publish-options>${formText('submit', 'publish-options', field('no_such_thing', '1'))}</publish-options>`,
    'cancel conflict precondition-not-met',
  ),
  set(
    'an option that comes twice',
    `<subscribe node='own' jid='francisco@localhost'/><options>${formText('submit', 'subscribe_options', field('deliver', '1') + field('deliver', '0'))}</options>`,
    'modify bad-request invalid-options',
  ),
  set('two things at once', "<create node='x'/><create node='y'/>", 'modify bad-request'),
  set('nothing at all', '', 'modify bad-request'),
]

const attempts: readonly Attempt[] = [...trespasses, ...nonsense]

/** Each outcome that is not the expected one. */
async function surprisesOf(attacker: PubsubLine, tried: readonly Attempt[]): Promise<string[]> {
  const surprises: string[] = []
  for (const { what, type = 'set', payload, outcome: expected } of tried) {
    const found = outcome(await attacker.ask(type, payload))
    if (found !== expected) surprises.push(`${what}: ${found}, and not ${expected}`)
  }
  return surprises
}

/** Names as they are meant, and what creating a node of that name comes to. */
const oddNames: readonly (readonly [name: string, outcome: string])[] = [
  ['a b', 'result'],
  ['ünïcode/日本語', 'result'],
  ['<&\'"]]>', 'result'],
  ['../../etc/passwd', 'result'],
  ['__proto__', 'result'],
  ['constructor', 'result'],
  ["'; DROP TABLE nodes; --", 'result'],
  ['\u{1f339}', 'result'],
  ['e\u0301', 'modify not-acceptable'],
  ['\u202egnp.exe', 'modify not-acceptable'],
  ['\u00a0', 'modify not-acceptable'],
  ['\u200b', 'modify not-acceptable'],
  ['\ufffd', 'modify not-acceptable'],
  ['\ue000', 'modify not-acceptable'],
  ['אa', 'modify not-acceptable'],
  ['x'.repeat(1_023), 'result'],
  ['x'.repeat(1_024), 'modify not-acceptable'],
  ['ü'.repeat(512), 'modify not-acceptable'],
  ['x'.repeat(5_000), 'modify bad-request'],
]

const quoted = (text: string) => text.replace(/[&<>'"]/g, (character) => `&#${character.codePointAt(0)};`)

/** The names of all nodes, page by page. */
async function namesOf(line: PubsubLine): Promise<string[]> {
  const names: string[] = []
  for (let after = ''; ; ) {
    const page = `<set xmlns='${NS.resultSets}'><max>500</max>${after === '' ? '' : `<after>${quoted(after)}</after>`}</set>`
    const query: Element | undefined = (await line.ask('get', `<query xmlns='${NS.discoItems}'>${page}</query>`)).getChild('query')
    const found = query?.getChildren('item').map((item) => attribute(item, 'node') ?? '') ?? []
    names.push(...found)
    after = query?.getChild('set')?.getChildText('last') ?? ''
    if (found.length === 0 || after === '') return names
  }
}

/** Two accounts at one service: one has nodes, the other wants what is not for it. */
export class PubsubAssault {
  readonly attacker: PubsubLine
  readonly #owner: PubsubLine
  readonly #t: ExecutionContext
  /** What the owner is told, who is subscribed. */
  readonly #told: PubsubEvent[] = []
  /** Nodes the attacker has. */
  readonly #names = ['own']

  private constructor(t: ExecutionContext, owner: PubsubLine, attacker: PubsubLine) {
    this.#t = t
    this.#owner = owner
    this.attacker = attacker
    owner.listen({ onEvent: (event) => this.#told.push(event) })
  }

  static async begin(t: ExecutionContext, server: ServerUnderTest): Promise<PubsubAssault> {
    const [owner, attacker] = [
      await PubsubLine.enter(server.client, server.account('hamlet'), 'elsinore'),
      await PubsubLine.enter(server.client, server.account('francisco'), 'barracks'),
    ]
    t.teardown(() => [owner, attacker].map((line) => line.close()))
    for (const payload of scene) t.is(outcome(await owner.ask('set', payload)), 'result')
    t.is(outcome(await attacker.ask('set', own)), 'result')
    return new PubsubAssault(t, owner, attacker)
  }

  /** Everything that is refused, and nonsense. */
  async trespass(): Promise<void> {
    this.#t.deepEqual(await surprisesOf(this.attacker, attempts), [])
    this.#t.is(outcome(await this.attacker.ask('set', ofOwner("<delete node='odd'/>"))), 'result')
  }

  /** Names of nodes: what can be one, comes back as it went in. */
  async nameOddly(): Promise<void> {
    const surprises: string[] = []
    for (const [name, expected] of oddNames) {
      const found = outcome(await this.attacker.ask('set', inPubsub(`<create node='${quoted(name)}'/>`)))
      if (found !== expected) surprises.push(`${JSON.stringify(name.slice(0, 100))}: ${found}, and not ${expected}`)
      if (found === 'result') this.#names.push(name)
    }
    this.#t.deepEqual(surprises, [])
  }

  /** Creates that many nodes, of which an account may have so many. */
  async createMany(count: number, max: number): Promise<void> {
    const outcomes = await Promise.all(
      Array.from({ length: count }, async (_, index) =>
        outcome(await this.attacker.ask('set', inPubsub(`<create node='many-${index}'/>`))),
      ),
    )
    const created = outcomes.flatMap((each, index) => (each === 'result' ? [`many-${index}`] : []))
    this.#t.is(created.length, max - this.#names.length)
    this.#t.deepEqual([...new Set(outcomes)], ['result', 'wait policy-violation max-nodes-exceeded'])
    this.#names.push(...created)
  }

  /** Nothing has changed, and the service does what it is there for. */
  async prove(): Promise<void> {
    this.#t.deepEqual((await namesOf(this.#owner)).sort(), ['open', 'closed', 'asking', ...this.#names].sort())
    const items = (await this.#owner.ask('get', inPubsub("<items node='open'/>"))).getChild('pubsub')?.getChild('items')
    this.#t.deepEqual(
      items?.getChildren('item').map((item) => attribute(item, 'id')),
      ['kept'],
    )
    this.#t.deepEqual(this.#told, [])
    const said = await this.#owner.ask('set', inPubsub(`<publish node='open'><item id='last'>${note('last')}</item></publish>`))
    this.#t.is(outcome(said), 'result')
  }
}

/** Each reason of each request that was refused, and how often the log has it. */
export async function refusalsLogged({ child, ended }: Cli): Promise<ReadonlyMap<string, number>> {
  child.kill('SIGTERM')
  const { stderr } = await ended
  const counts = new Map<string, number>()
  for (const line of stderr.split('\n').filter((each) => each.startsWith('{'))) {
    const { msg, action, code } = JSON.parse(line) as Record<string, string>
    if (msg === 'refused a request of publish-subscribe') counts.set(`${action} ${code}`, (counts.get(`${action} ${code}`) ?? 0) + 1)
  }
  return counts
}
