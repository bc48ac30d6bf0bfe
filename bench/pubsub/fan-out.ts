import { type Element, parseElement } from '../../src/xep/index.ts'
import type { Service } from './contenders.ts'
import { type Measure, spentOn, subscribeAll } from './measures.ts'
import { ANNOUNCEMENT, createNode, publish, publisher, subscriber } from './stanzas.ts'

const PER = 10_000

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
  /** Publishes that are timed one by one, at least; and for so long. */
  readonly timedMin: number
  readonly timedMs: number
  /** Publishes under way, and for how long. */
  readonly atOnce: number
  readonly ms: number
}

/** From the publish to its last notification, in milliseconds, sorted. */
async function timesOf({ driver, address }: Service, node: string, { n, timedMin, timedMs }: FanOut): Promise<number[]> {
  const times: number[] = []
  const startedMs = performance.now()
  while (times.length < timedMin || performance.now() - startedMs < timedMs) {
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

/** Publishes to `n` subscribers: one at a time, then some under way. */
export const fanOut = (how: FanOut): Measure => ({
  ...{
    name: 'fan-out',
    n: how.n,
    isFor: ({ subscribed, subscriptionsMax }) => how.n <= Math.max(subscribed?.[`fan${how.n}`] ?? 0, subscriptionsMax),
  },
  async run(service, { subscribed }) {
    const { driver, address } = service
    const { n } = how
    const node = `fan${n}`
    if (subscribed?.[node] === undefined) {
      await driver.ask(publisher, address, createNode(node))
      await subscribeAll(service, node, 0, n)
    }
    await verify(service, node, n)
    const count = driver.countOf(n)
    const times = await timesOf(service, node, how)
    const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))]
    let publishes = 0
    const spent = await spentOn(service, async () => {
      publishes = await publishMany(service, node, how)
    })
    count.expect(times.length + publishes)
    const per = (seconds: number) => (seconds * PER) / (n * publishes)
    return {
      ...{ perSecond: (n * publishes) / spent.seconds, p50Ms: at(0.5), p99Ms: at(0.99) },
      ...{ serviceCpu: per(spent.service), serverCpu: spent.server && per(spent.server), driverCpu: per(spent.driver) },
    }
  },
})
