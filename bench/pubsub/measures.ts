import { setTimeout } from 'node:timers/promises'
import type { Values } from '../results.ts'
import { cpuSeconds, rssKib } from '../usage.ts'
import type { Contender, Service } from './contenders.ts'
import { createNode, createPlain, publish, publisher, SHORT, subscribe, subscriber } from './stanzas.ts'

/** Questions under way, where many are asked. */
const ASKED_AT_ONCE = 64
/** For whoever gives memory back a moment after it was used. */
const SETTLE_MS = 1_500
/** Questions before any is counted: a program warms up. */
const WARM_UP = 500
/** Subscriptions that are timed. */
const TIMED = 8_000
/** Subscriptions of which the memory says something. */
const MANY = 100_000

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

export const subscribeAll = ({ driver, address }: Pick<Service, 'driver' | 'address'>, node: string, from: number, to: number) =>
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
export async function spentOn({ pids, serverPids }: Service, work: () => Promise<void>): Promise<Spent> {
  const cpu = () => [cpuSeconds(pids), cpuSeconds(serverPids)] as const
  const [startedMs, before, own] = [performance.now(), cpu(), process.cpuUsage()]
  await work()
  const [seconds, after, { user, system }] = [(performance.now() - startedMs) / 1000, cpu(), process.cpuUsage(own)]
  return {
    ...{ seconds, service: after[0] - before[0], driver: (user + system) / 1e6 },
    server: serverPids.length > 0 ? after[1] - before[1] : undefined,
  }
}

/** Of so many things that were asked for, each. */
const each = (count: number, { seconds, service, server }: Spent): Values => ({
  ...{ perSecond: count / seconds, serviceMsEach: (service * 1000) / count },
  serverMsEach: server && (server * 1000) / count,
})

async function settledRssKib({ pids }: Service): Promise<number> {
  await setTimeout(SETTLE_MS)
  return rssKib(pids)
}

/**
 * Of `count` nodes nobody is subscribed to.
 *
 * @param uncounted nodes just before. V8 gives back what its young generation has while nothing is asked, tens of MiB, and takes it again
 *   within some thousand requests, whatever they are: memory is that of nodes only behind those
 */
export const nodes = (count: number, uncounted = WARM_UP): Measure => ({
  ...{ name: 'nodes', n: count, isFor: ({ nodesMax }) => count <= nodesMax },
  async run(service) {
    const { driver, address } = service
    const create = (name: string) => driver.ask(publisher, address, createPlain(name))
    await askAll(uncounted, (index) => create(`warm${count}-${index}`))
    const before = await settledRssKib(service)
    const spent = await spentOn(service, () => askAll(count, (index) => create(`node${count}-${index}`)))
    return { ...each(count, spent), kibEach: ((await settledRssKib(service)) - before) / count }
  },
})

/** The name of a node that is to have so many subscribers. */
export const sizeNode = (size: number, index = 0): string => `size${size}-${index}`
/** How many it has before any are timed. */
export const untimed = (size: number): number => Math.max(0, size - TIMED)

/** Tells everybody there something short: whom a service remembers to tell, it remembers then. */
async function tellAll({ driver, address }: Service, node: string, count: number): Promise<void> {
  const [total, counted] = [driver.received + count, driver.countOf(count)]
  await Promise.all([driver.ask(publisher, address, publish(node, 'short', SHORT)), driver.arrived(total)])
  counted.expect(1)
}

/** Of nodes that have `size` subscribers afterwards. */
export const subscribing = (size: number): Measure => ({
  ...{ name: 'subscribing', n: size, isFor: ({ subscriptionsMax }) => size <= subscriptionsMax },
  async run(service, { subscribed, isIndifferent, subscriptionsMax }) {
    const { driver, address, pids } = service
    const timed = Math.min(size, TIMED)
    const names = Array.from({ length: subscriptionsMax < TIMED ? 1 : TIMED / timed }, (_, index) => sizeNode(size, index))
    const from = isIndifferent ? 0 : untimed(size)
    const before = rssKib(pids)
    for (const name of names) {
      if (subscribed?.[name] === from) continue
      await driver.ask(publisher, address, createNode(name))
      await subscribeAll(service, name, 0, from)
    }
    const spent = await spentOn(service, async () => {
      for (const name of names) await subscribeAll(service, name, from, from + timed)
    })
    const figures = each(timed * names.length, spent)
    if (size < MANY || isIndifferent) return figures
    await tellAll(service, sizeNode(size), size)
    return { ...figures, kibEach: ((await settledRssKib(service)) - before) / size }
  },
})
