import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { ExecutionContext } from 'ava'
import { foreign } from '../helpers/foreign.ts'
import { type Home, startHomes, startMiniupnpd } from '../helpers/nats.ts'
import { ourProgram } from '../helpers/our-programs.ts'
import { makeFolder } from '../helpers/transfers.ts'

// Goal: a port of a real router is mapped, renewed and given back, by either protocol; where there is none, the reason is told.
// Method: miniupnpd in a network namespace; behind it a process that does what the test says, with a clock the test moves.

const test = foreign('ports of a router', ['namespaces', 'nftables', 'miniupnpd'])

/** A mapper on the host of a home. */
function startMapper(t: ExecutionContext, { host }: Home) {
  const child = spawn(...host.command(process.execPath, ourProgram('test/helpers/port-mapper-child.ts')), {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })
  return {
    async tell(order: object): Promise<Record<string, unknown>> {
      const answer = once(lines, 'line')
      child.stdin.write(`${JSON.stringify(order)}\n`)
      return JSON.parse(String((await answer)[0])) as Record<string, unknown>
    },
  }
}

for (const [protocol, natPmp, upnp] of [
  ['NAT-PMP', true, false],
  ['UPnP', false, true],
] as const) {
  test(`by ${protocol} a port is mapped, renewed after half an hour, and taken back`, async (t) => {
    const { homes } = await startHomes(t, 1)
    const [home] = homes as [Home]
    const router = await startMiniupnpd(t, home, { folder: await makeFolder(t), natPmp, upnp })
    const mapper = startMapper(t, home)
    const asked = natPmp ? 'NAT-PMP port mapping request' : '#AddAnyPortMapping'
    t.deepEqual(await mapper.tell({ do: 'map', port: 4567, advance: natPmp ? [] : [1_000] }), {
      host: home.outside,
      port: 4567,
      own: home.host.ipv4,
    })
    t.regex((await router.mapped()).join(), /dport 4567 .*dnat .*192\.168\.1\.2:4567/)
    t.is(router.logged(asked).length, 1)
    await mapper.tell({ do: 'advance', ms: 30 * 60_000 })
    await router.heard(asked, 2)
    await router.settled(1)
    await mapper.tell({ do: 'close' })
    await router.heard(natPmp ? 'lifetime=0s' : '#DeletePortMapping')
    await router.settled(0)
  })
}

test('without a router that maps ports the reason is told in bounded time, and remembered for five minutes', async (t) => {
  const { homes } = await startHomes(t, 1)
  const [home] = homes as [Home]
  const mapper = startMapper(t, home)
  const refused = { error: 'ERR_UNREACHABLE', message: 'no router maps ports (NAT-PMP: no answer within 1 s; UPnP: no answer within 3 s)' }
  t.deepEqual(await mapper.tell({ do: 'map', port: 4567, advance: [1_000, 3_000] }), refused)
  t.deepEqual(await mapper.tell({ do: 'map', port: 4567 }), refused)
  await mapper.tell({ do: 'advance', ms: 5 * 60_000 })
  await startMiniupnpd(t, home, { folder: await makeFolder(t) })
  t.like(await mapper.tell({ do: 'map', port: 4567 }), { host: home.outside, port: 4567 })
})
