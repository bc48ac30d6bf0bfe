// For test/nat/port-mapper.test.ts: a mapper in a process of its own, which may be on another host, and a clock that stands still.

import { createInterface } from 'node:readline'
import { type BytestreamError, silentLogger } from '../../src/core/index.ts'
import { PortMapper } from '../../src/nat/index.ts'
import { FakeClock } from './fake-clock.ts'

interface Order {
  readonly do: 'map' | 'advance' | 'close'
  readonly port?: number
  readonly ms?: number
  /** Milliseconds that pass while a port is being mapped, each time when there is something to wait for. */
  readonly advance?: readonly number[]
}

const clock = new FakeClock()
const mapper = new PortMapper({ clock, logger: silentLogger })
const say = (facts: object) => process.stdout.write(`${JSON.stringify(facts)}\n`)
const turn = () => new Promise((resolve) => setImmediate(resolve))

async function map({ port = 0, advance = [] }: Order): Promise<object> {
  try {
    const located = mapper.ownHost()
    located.catch(() => {})
    for (const ms of advance) {
      while (clock.waiting === 0) await turn()
      clock.advance(ms)
      await turn()
    }
    const own = await located
    const { outside } = await mapper.map({ host: own, port })
    return { ...outside, own }
  } catch (thrown) {
    const { code, message } = thrown as BytestreamError
    return { error: code, message }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as Order
  if (order.do === 'map') say(await map(order))
  if (order.do === 'advance') clock.advance(order.ms ?? 0)
  if (order.do === 'close') await mapper[Symbol.asyncDispose]()
  if (order.do !== 'map') say({})
}
