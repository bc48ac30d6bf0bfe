import { setTimeout } from 'node:timers/promises'
import { type Element, parseElement } from '../../src/xep/index.ts'
import type { Values } from '../relay/measures.ts'
import { cpuSeconds, rssKib } from '../relay/usage.ts'
import type { Contender, Service } from './contenders.ts'
import { ANNOUNCEMENT, createNode, createPlain, publish, publisher, subscribe, subscriber } from './stanzas.ts'

/** Questions under way, where many are asked. */
const ASKED_AT_ONCE = 64
/** For whoever gives memory back a moment after it was used. */
const SETTLE_MS = 1_500
const ONE_AT_A_TIME_MIN = 4
/** Questions before any is counted: a program warms up. */
const WARM_UP = 500
/** Subscriptions that are timed. */
const TIMED = 8_000
const PER = 10_000

export interface Measure {
  readonly name: string
  readonly n: number
  /** Whom it would take too long. */
  isFor(contender: Contender): boolean
  run(service: Service, contender: Contender): Promise<Values>
}

/** Asks all of these, {@link ASKED_AT_ONCE} at a time. */
async function askAll(count: number, ask: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const one = async () => {
    while (next < count) {
      const index = next
      next += 1
      await ask(index)
    }
  }
  await Promise.all(Array.from({ length: Math.min(count, ASKED_AT_ONCE) }, one))
}

const subscribeAll = ({ driver, address }: Service, node: string, from: number, to: number): Promise<void> =>
  askAll(to - from, (index) => {
    const jid = subscriber(from + index)
    return driver.ask(jid, address, subscribe(node, jid))
  })

interface Spent {
  readonly seconds: number
  readonly service: number
  readonly server: number | undefined
  readonly driver: number
}

/** Time on the clock and of the processors. */
async function spentOn({ pids, serverPids }: Service, work: () => Promise<void>): Promise<Spent> {
  const cpu = () => [cpuSeconds(pids), cpuSeconds(serverPids)] as const
  const [startedMs, before, own] = [performance.now(), cpu(), process.cpuUsage()]
  await work()
  const [seconds, after, { user, system }] = [(performance.now() - startedMs) / 1000, cpu(), process.cpuUsage(own)]
  return {
    ...{ seconds, service: after[0] - before[0], driver: (user + system) / 1e6 },
    server: serverPids.length > 0 ? after[1] - before[1] : undefined,
  }
}

/** Of `count` nodes nobody is subscribed to. */
export const nodes = (count: number): Measure => ({
  ...{ name: 'nodes', n: count, isFor: () => true },
  async run(service) {
    const { driver, address, pids } = service
    const create = (name: string) => driver.ask(publisher, address, createPlain(name))
    await askAll(WARM_UP, (index) => create(`warm${index}`))
    await setTimeout(SETTLE_MS)
    const before = rssKib(pids)
    const spent = await spentOn(service, () => askAll(count, (index) => create(`node${index}`)))
    await setTimeout(SETTLE_MS)
    return {
      ...{ perSecond: count / spent.seconds, serviceMsEach: (spent.service * 1000) / count },
      ...{ serverMsEach: spent.server && (spent.server * 1000) / count, kibEach: (rssKib(pids) - before) / count },
    }
  },
})

/** Of nodes that have `size` subscribers afterwards. */
export const subscribing = (size: number): Measure => ({
  ...{ name: 'subscribing', n: size, isFor: ({ subscriptionsMax }) => size <= subscriptionsMax },
  async run(service, { isIndifferent, subscriptionsMax }) {
    const { driver, address, pids } = service
    const each = Math.min(size, TIMED)
    const names = Array.from({ length: subscriptionsMax < TIMED ? 1 : TIMED / each }, (_, index) => `size${size}-${index}`)
    for (const name of names) await driver.ask(publisher, address, createNode(name))
    const before = rssKib(pids)
    const from = isIndifferent ? 0 : size - each
    for (const name of names) await subscribeAll(service, name, 0, from)
    const spent = await spentOn(service, async () => {
      for (const name of names) await subscribeAll(service, name, from, from + each)
    })
    await setTimeout(SETTLE_MS)
    const timed = each * names.length
    return {
      ...{ perSecond: timed / spent.seconds, serviceMsEach: (spent.service * 1000) / timed },
      ...{ serverMsEach: spent.server && (spent.server * 1000) / timed },
      kibEach: (rssKib(pids) - before) / ((from + each) * names.length),
    }
  },
})

/** The same for the same XML, however it is written. */
function canonical(element: Element): string {
  const attributes = Object.entries(element.attrs)
    .map(([name, value]) => `${name}=${value}`)
    .sort()
  const children = element.children.map((child) => (typeof child === 'string' ? child : canonical(child)))
  return `<${element.name} ${attributes.join(' ')}>${children.join('')}</>`
}

/** One publish, looked at closely: every subscriber gets it once, whole. */
export async function verify({ driver, address }: Service, node: string, n: number): Promise<void> {
  const announcement = canonical(parseElement(ANNOUNCEMENT))
  const to = new Set<string>()
  const wrong: string[] = []
  const total = driver.received + n
  driver.onNotification = (text) => {
    const message = parseElement(text)
    const item = message.getChild('event')?.getChild('items')?.getChild('item')
    const [payload] = item?.getChildElements() ?? []
    if (item?.attrs['id'] !== 'looked-at' || !payload || canonical(payload) !== announcement) wrong.push(text)
    to.add(message.attrs['to'] ?? '')
  }
  await Promise.all([driver.ask(publisher, address, publish(node, 'looked-at')), driver.arrived(total)])
  driver.onNotification = undefined
  for (let index = 0; index < n; index += 1) if (!to.has(subscriber(index))) wrong.push(`nothing for ${subscriber(index)}`)
  if (wrong.length > 0 || driver.received !== total) throw new Error(`${wrong.length} of ${n} notifications are wrong: ${wrong[0]}`)
}

interface FanOut {
  readonly n: number
  readonly atOnce: number
  readonly ms: number
}

/** From the publish to its last notification, in milliseconds, sorted. */
async function timesOf({ driver, address }: Service, node: string, { n, ms }: FanOut): Promise<number[]> {
  const times: number[] = []
  const startedMs = performance.now()
  while (times.length < ONE_AT_A_TIME_MIN || performance.now() - startedMs < ms) {
    const publishedMs = performance.now()
    const answered = driver.ask(publisher, address, publish(node, `one${times.length}`))
    await driver.arrived(driver.received + n)
    times.push(performance.now() - publishedMs)
    await answered
  }
  return times.sort((a, b) => a - b)
}

/** @returns how many were published */
async function publishMany({ driver, address }: Service, node: string, { n, atOnce, ms }: FanOut): Promise<number> {
  const [before, startedMs] = [driver.received, performance.now()]
  const answers: Promise<unknown>[] = []
  while (performance.now() - startedMs < ms) {
    const answer = driver.ask(publisher, address, publish(node, `many${answers.length}`))
    answer.catch(() => {}) // Looked at below.
    answers.push(answer)
    await driver.arrived(before + n * (answers.length - atOnce + 1))
  }
  await driver.arrived(before + n * answers.length)
  await Promise.all(answers)
  return answers.length
}

/** Publishes to `n` subscribers: one at a time for so long, then `atOnce` under way. */
export const fanOut = (how: FanOut): Measure => ({
  ...{
    name: 'fan-out',
    n: how.n,
    isFor: ({ subscribed, subscriptionsMax }) => how.n <= Math.max(subscribed?.count ?? 0, subscriptionsMax),
  },
  async run(service, { subscribed }) {
    const { driver, address } = service
    const { n } = how
    const node = `fan${n}`
    if (subscribed?.node !== node) {
      await driver.ask(publisher, address, createNode(node))
      await subscribeAll(service, node, 0, n)
    }
    await verify(service, node, n)
    const times = await timesOf(service, node, how)
    const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))]
    let notifications = 0
    const spent = await spentOn(service, async () => {
      notifications = n * (await publishMany(service, node, how))
    })
    const per = (seconds: number) => (seconds * PER) / notifications
    return {
      ...{ perSecond: notifications / spent.seconds, p50Ms: at(0.5), p99Ms: at(0.99) },
      ...{ serviceCpu: per(spent.service), serverCpu: spent.server && per(spent.server), driverCpu: per(spent.driver) },
    }
  },
})
