import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { foreign } from '../helpers/foreign.ts'
import { type Host, startStar } from '../helpers/namespaces.ts'

// What the suites rely on that prove with it that octets went through the proxy: hosts reach the one in the middle, and
// nobody else.

const test = foreign('hosts of their own', ['namespaces'])

/** Tries to connect to a port nobody listens on. @returns the code of what comes back */
async function knock(from: Host, address: string): Promise<string> {
  const script = `require('node:net').connect({ host: '${address}', port: 9 }).on('error', ({ code }) => console.log(code))`
  const child = spawn(...from.command(process.execPath, ['-e', script]), { stdio: ['ignore', 'pipe', 'inherit'] })
  const [answer] = await once(child.stdout, 'data')
  return String(answer).trim()
}

for (const family of ['ipv4', 'ipv6'] as const) {
  test(`a leaf of a star reaches the centre over ${family}, and no other leaf`, async (t) => {
    const { centre, leaves } = await startStar(t, { leaves: 2 })
    const [one, other] = leaves as [Host, Host]
    t.is(await knock(one, centre[family]), 'ECONNREFUSED')
    t.is(await knock(centre, other[family]), 'ECONNREFUSED')
    t.is(await knock(one, other[family]), 'ENETUNREACH')
  })

  test(`a star may have ${family} only`, async (t) => {
    const { centre, leaves } = await startStar(t, { leaves: 1, families: [family] })
    const [leaf] = leaves as [Host]
    t.is(await knock(leaf, centre[family]), 'ECONNREFUSED')
    t.is(family === 'ipv4' ? leaf.ipv6 : leaf.ipv4, '')
    t.is(await knock(leaf, family === 'ipv4' ? '::1' : '10.65.0.1'), family === 'ipv4' ? 'EADDRNOTAVAIL' : 'ENETUNREACH')
  })
}
