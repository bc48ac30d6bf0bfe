// A whole service in a process of its own, which tells of itself when its parent asks. Forked by service-child.ts.

import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { loadSettings, serveOptions } from '../../src/config/index.ts'
import { Service } from '../../src/service.ts'
import { reachableBytes } from './held.ts'
import type { Look, ServiceFlags, Started } from './service-child.ts'

/** Whoever asks has gone. */
const leave = () => process.exit()
const tell = (message: Look | Started) => void process.send?.(message)

/** Without pipes, of which the native engine keeps some. */
function countDescriptors(): number {
  return readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      return !readlinkSync(`/proc/self/fd/${descriptor}`).startsWith('pipe:')
    } catch {
      return false // That of the folder itself.
    }
  }).length
}

process.once('message', async ({ flags, accounts, isActivating }: ServiceFlags) => {
  const settings = loadSettings(serveOptions, { flags, environment: {} })
  const service = new Service({}, { settings, secret: 'secret', accounts: [...accounts] })
  const moved = { end: 0, reset: 0, idle: 0, aborted: 0, failed: 0 }
  service.streamhost.on('closed', ({ totals }) => {
    moved[totals.end] += totals.firstToSecond + totals.secondToFirst
  })
  process.once('SIGTERM', async () => {
    await service.close()
    // It ends when nothing is left that keeps it.
    process.off('disconnect', leave)
    process.disconnect()
  })
  // The sockets of its look at itself are not those of the test.
  const looked = once(service, 'looked')
  await service.start()
  await looked
  if (isActivating) {
    service.streamhost.on('waiting', ({ dstAddr, sockets }) => {
      if (sockets === 2) setImmediate(() => service.streamhost.activate(dstAddr))
    })
  }
  process.on('message', () => {
    const heapBytes = reachableBytes()
    tell({
      engine: service.streamhost.engine,
      gauges: service.streamhost.gauges(),
      counters: service.streamhost.counters,
      moved,
      resources: process.getActiveResourcesInfo().sort(),
      descriptors: countDescriptors(),
      heapBytes,
      residentBytes: process.memoryUsage.rss(),
    })
  })
  tell({ client: service.clientAddress as Started['client'], streamhost: service.streamhost.addresses[0] as Started['streamhost'] })
})
process.once('disconnect', leave)
