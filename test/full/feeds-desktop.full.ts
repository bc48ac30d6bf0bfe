// Goal: who has a feed in the roster of a client with windows, and knows nothing of feeds, reads each announcement once, also of what was announced
// while it was away.
// Method: the service is a component of each server, which keeps and archives messages as servers for people do. The client sends what it always
// sends. What counts is what is in its own store, from start to start; of what a person sees there are pictures (SCREENSHOTS=DIR keeps them).

import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import { startCli } from '../helpers/cli.ts'
import {
  type Answer,
  addContact,
  type DesktopNetwork,
  desktopNetworkNeeds,
  dinoReader,
  gajimReader,
  psiReader,
  type ReaderKind,
  startDesktopNetwork,
} from '../helpers/desktop.ts'
import { roles } from '../helpers/file-network.ts'
import { foreign } from '../helpers/foreign.ts'
import type { ForeignClient } from '../helpers/foreign-client.ts'
import { SeenClients } from '../helpers/interop-document.ts'
import { dataFolder, PUBSUB, servePubsub } from '../helpers/serve-pubsub.ts'
import { ejabberd, prosody } from '../helpers/server.ts'

const NODE = 'builds/nightly'
const FEED = `builds\\2fnightly@${PUBSUB}`

/** Milliseconds: three desktops come up, one after another. */
const TEST_MS_MAX = 300_000

const readers: readonly (readonly [kind: ReaderKind, answer: Answer])[] = [
  [dinoReader, 'nothing'],
  [dinoReader, 'granted'],
  [psiReader, 'granted'],
  [gajimReader, 'granted'],
]

const needs = [...new Set([...desktopNetworkNeeds, ...readers.flatMap(([reader]) => reader.needs)])]

/** Milliseconds between looks at what waits. */
const LOOK_MS = 500

/** Commands of the owner. */
function asOwner(t: ExecutionContext, { server, star, trusted = '' }: DesktopNetwork) {
  const { local, password, domain } = server.account(roles.sender)
  const environment = {
    STREAMHOST_ACCOUNT: `${local}@${domain}`,
    STREAMHOST_PASSWORD: password,
    STREAMHOST_SERVICE: `xmpp://${server.client.host}:${server.client.port}`,
    STREAMHOST_TLS_CA: trusted,
  }
  return (...args: string[]) => startCli(t, [...args, '--json'], environment, star.centre)
}

/** Announces a file. @returns what is to be read of it, and what takes it back */
async function offer(t: ExecutionContext, network: DesktopNetwork, name: string) {
  const path = join(network.folder, name)
  await writeFile(path, randomBytes(2048))
  const command = asOwner(t, network)('offer', NODE, path, '--at', PUBSUB, '--description', 'of the main branch')
  const { id, owner } = await command.event('offered')
  await command.event('ready')
  return {
    text: `${name} (2 KiB): of the main branch\nxmpp:${owner}?jingle;id=${id}`,
    async withdraw() {
      command.child.kill('SIGINT')
      await command.ended
    },
  }
}

/** The client has these messages of the feed next. */
async function reads(t: ExecutionContext, client: ForeignClient, texts: readonly string[]): Promise<void> {
  for (const text of texts) t.like(await client.heard('message'), { from: FEED, body: text })
}

/** Each message was acknowledged, by a receipt: only then nothing waits any more so soon. */
async function nothingWaits(t: ExecutionContext, network: DesktopNetwork): Promise<void> {
  for (;;) {
    const { waiting, handed } = await asOwner(t, network)('pubsub', 'queue', NODE, '--to', PUBSUB).event('waiting')
    if (waiting === 0 && handed === 0) return
    await setTimeout(LOOK_MS)
  }
}

async function keep(t: ExecutionContext, name: string, picture: Buffer): Promise<void> {
  const folder = process.env['SCREENSHOTS']
  t.true(picture.length > 10_000, 'nothing is on the screen')
  if (folder === undefined) return
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, `${name.replaceAll(/\W+/g, '-')}.png`), picture)
}

const seen = new SeenClients()

for (const kind of [prosody, ejabberd]) {
  const test = foreign(`feeds on desktops behind ${kind.name}`, [...kind.needs, ...needs])

  for (const [reader, answer] of readers) {
    test.serial(`${reader.name}, whose user answers a feed by ${answer}, shows each announcement once, behind ${kind.name}`, async (t) => {
      t.timeout(TEST_MS_MAX)
      const network = await startDesktopNetwork(kind, { proxy: false, server: { components: [PUBSUB], keepsMessages: true } })
      t.teardown(() => network[Symbol.asyncDispose]())
      const data = await dataFolder(t)
      const serve = () => servePubsub(t, network.server, data, [], PUBSUB, network.star.centre)
      const service = await serve()
      t.is((await asOwner(t, network)('pubsub', 'create', NODE, '--to', PUBSUB).ended).code, 0)
      await addContact(network, FEED, answer)
      const desktop = await reader.make(t, network, FEED)
      const shows = async (client: ForeignClient, what: string) =>
        keep(t, `${reader.name} ${answer} ${kind.name} ${what}`, await desktop.screenshot(client))

      const there = await desktop.open()
      const first = await offer(t, network, 'image.iso')
      await reads(t, there, [first.text])
      await shows(there, 'there')
      await there.close()

      const second = await offer(t, network, 'wallpaper.png')
      const back = await desktop.open()
      await reads(t, back, [first.text, second.text])
      await first.withdraw()
      const withdrawn = `image.iso is withdrawn from ${NODE}`
      await reads(t, back, [withdrawn])
      await shows(back, 'back')

      service.child.kill('SIGKILL')
      await service.ended
      await serve()
      const third = await offer(t, network, 'notes.txt')
      await reads(t, back, [third.text])
      await back.close()
      const again = await desktop.open()
      await reads(t, again, [first.text, second.text, withdrawn, third.text])
      await shows(again, 'again')
      if (answer === 'granted') await nothingWaits(t, network)
      seen.saw(kind, `${reader.name} (${desktop.version})`, answer)
    })
  }
}

const testDocument = foreign('feeds on desktops in docs/interop.md', [...prosody.needs, ...ejabberd.needs, ...needs])

testDocument.serial('docs/interop.md tells of every client that shows a feed', async (t) => {
  t.is(seen.size, readers.length)
  t.deepEqual(await seen.untold(), [], 'docs/interop.md was written for other versions')
})
