import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { type Cli, startCli } from './cli.ts'
import type { Host } from './namespaces.ts'
import { DOMAIN } from './prosody.ts'
import type { ServerUnderTest } from './server.ts'

/** Where publish-subscribe is served. */
export const PUBSUB = `pubsub.${DOMAIN}`

/** A folder for `--data`, which goes with the test. */
export async function dataFolder(t: Pick<ExecutionContext, 'teardown'>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'streamhost-data-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Starts `streamhost serve` for publish-subscribe alone, as a component of a server. @param on where it runs; default: here */
export function spawnPubsub(
  t: ExecutionContext,
  server: Pick<ServerUnderTest, 'componentAt' | 'secret'>,
  directory: string,
  args: readonly string[] = [],
  jid = PUBSUB,
  on?: Pick<Host, 'command'>,
): Cli {
  const { host, port } = server.componentAt(jid)
  const where = ['--service', `xmpp://${host}:${port}`, '--domain', jid, '--data', directory]
  return startCli(t, ['serve', '--json', '--pubsub-only', ...where, ...args], { STREAMHOST_SECRET: server.secret }, on)
}

/** The same; settles once it is ready. */
export async function servePubsub(...given: Parameters<typeof spawnPubsub>): Promise<Cli> {
  const cli = spawnPubsub(...given)
  await cli.event('ready')
  return cli
}
