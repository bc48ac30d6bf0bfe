import {
  buildAcknowledgement,
  buildDelivery,
  buildDiscoInfo,
  buildEvent,
  buildPresence,
  NS,
  parseAcknowledgement,
  parseDelivery,
  parsePayload,
  writeXml,
} from '../../src/xep/index.ts'
import { accountsUpTo, announcement, CROWD, median, NOTHING, SERVICE, type Stage } from './stage.ts'

const ACCOUNTS = 200
const WAITING = 50
const ROUNDS = 3
/** What our service lets one account have that it has not acknowledged. */
const WINDOW = 16

const people = accountsUpTo(ACCOUNTS, CROWD)
const total = ACCOUNTS * WAITING

/** One course of all messages. */
interface Course {
  readonly seconds: number
  /** Of this process, which is everybody. */
  readonly cpuSeconds: number
}

/** All accounts together, which acknowledge what they hear. */
async function crowdOn(stage: Stage) {
  const crowd = await stage.plug(CROWD)
  await crowd.start()
  crowd.iqs.handle('get', NS.discoInfo, 'query', () => buildDiscoInfo({ identities: [], features: [NS.feeds] }))
  let acknowledged = 0
  let onAll = () => {}
  crowd.on('message', ({ from = '', to = '' }, stanza) => {
    const id = parseDelivery(stanza)
    if (id === undefined) return
    crowd.request({ type: 'set', from: to, to: from, payload: buildAcknowledgement([id]) }).then(
      () => {
        acknowledged += 1
        if (acknowledged === total) onAll()
      },
      (error: Error) => console.error(error.message),
    )
  })
  const course = async (begin: () => unknown): Promise<Course> => {
    acknowledged = 0
    const all = new Promise<void>((resolve) => {
      onAll = resolve
    })
    const [startedMs, cpu] = [performance.now(), process.cpuUsage()]
    begin()
    await all
    const { user, system } = process.cpuUsage(cpu)
    return { seconds: (performance.now() - startedMs) / 1000, cpuSeconds: (user + system) / 1e6 }
  }
  return { crowd, course }
}

/** The same messages, as many on their way to each account, the same acknowledgements; nothing is kept, looked up or checked. */
async function nothingOn(stage: Stage) {
  const session = await stage.plug(NOTHING)
  const items = [{ id: 'ready', payload: parsePayload(announcement('ready').payload) }]
  const event = writeXml(buildEvent({ kind: 'items', node: 'ready', items, retracted: [] }))
  const sent = new Map<string, number>()
  let text = ''
  const send = (account: string) => {
    const id = sent.get(account) ?? 0
    if (id === WAITING) return
    sent.set(account, id + 1)
    if (text === '') setImmediate(flush)
    const hint = "<no-store xmlns='urn:xmpp:hints'/>"
    text += `<message from='${NOTHING}' to='${account}/desk' id='${account}-${id}'>${event}${writeXml(buildDelivery(id + 1))}${hint}</message>`
  }
  const flush = () => {
    const piece = text
    text = ''
    void session.sendPiece(piece)
  }
  session.iqs.handle('set', NS.feeds, 'ack', ({ from, payload }) => {
    for (const _ of parseAcknowledgement(payload)) send(from.slice(0, from.indexOf('/')))
    return undefined
  })
  await session.start()
  return () => {
    sent.clear()
    for (const account of people) for (let at = 0; at < WINDOW; at += 1) send(account)
  }
}

/** Queues that drain, against a component that sends the same and keeps nothing. */
export async function drain(stage: Stage): Promise<void> {
  const { crowd, course } = await crowdOn(stage)
  const begin = await nothingOn(stage)
  stage.open('drained', people, true)
  const rounds: { ours: Course; nothing: Course }[] = []
  const say = (type: 'available' | 'unavailable') => {
    for (const jid of people) crowd.send(buildPresence({ type, from: `${jid}/desk`, to: SERVICE }))
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    const nothing = await course(begin)
    await stage.publish(
      'drained',
      Array.from({ length: WAITING }, (_, at) => `drained ${round} ${at}`),
    )
    const ours = await course(() => say('available'))
    say('unavailable')
    rounds.push({ ours, nothing })
  }
  const middle = (figure: (round: (typeof rounds)[number]) => number) => median(rounds.map(figure))
  const rate = (who: 'ours' | 'nothing') => middle((round) => total / round[who].seconds).toFixed(0)
  const micros = (who: 'ours' | 'nothing') => middle((round) => (round[who].cpuSeconds / total) * 1e6).toFixed(0)
  const ratio = middle(({ ours, nothing }) => nothing.cpuSeconds / ours.cpuSeconds).toFixed(2)
  console.log(
    `drain: ${rate('ours')} acknowledged deliveries per second, ${rate('nothing')} of the same without a queue; CPU time of each ${micros('ours')} µs, ${micros('nothing')} µs   × ${ratio}`,
  )
}
