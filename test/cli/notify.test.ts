// Goal: notify in rooms and at the addresses of feeds, on the servers that have them.
// Method: the command in this process, behind Prosody and ejabberd; who is in the room says and hears raw stanzas; our service is a component of theirs.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { bareJid } from '../../src/core/index.ts'
import { attribute, type Element } from '../../src/xep/index.ts'
import { startCommand } from '../helpers/command.ts'
import { login, type RawStream } from '../helpers/raw-client.ts'
import { dataFolder, servePubsub } from '../helpers/serve-pubsub.ts'
import { ejabberd, onServer, prosody, type ServerUnderTest } from '../helpers/server.ts'
import { makeFolder } from '../helpers/transfers.ts'

const ROOMS = 'rooms.localhost'
const FEEDS = 'feeds.localhost'

function asBot(t: ExecutionContext, { client }: ServerUnderTest) {
  const environment = {
    NO_COLOR: '1',
    STREAMHOST_ACCOUNT: 'bot@localhost',
    STREAMHOST_PASSWORD: 'pencil',
    STREAMHOST_SERVICE: `xmpp://${client.host}:${client.port}`,
  }
  return (...args: string[]) => startCommand(t, args, { environment })
}

async function until(stream: RawStream, isIt: (stanza: Element) => boolean): Promise<Element> {
  for (;;) {
    const stanza = await stream.next()
    if (isIt(stanza)) return stanza
  }
}

/** Somebody who is in a room, which is there from then on. */
async function inRoom(t: ExecutionContext, server: ServerUnderTest, room: string, nickname: string): Promise<RawStream> {
  const stream = await login(server.client, server.account('you'), `in-${room.split('@')[0]}`)
  t.teardown(() => stream.destroy())
  stream.send(`<presence to='${room}/${nickname}'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
  await until(stream, ({ name, attrs }) => name === 'presence' && attrs['from'] === `${room}/${nickname}`)
  // XEP-0045 §10.1.2: as it is.
  stream.send(
    `<iq type='set' id='open' to='${room}'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>`,
  )
  await until(stream, (stanza) => attribute(stanza, 'id') === 'open')
  return stream
}

const said = (stream: RawStream, room: string) =>
  until(
    stream,
    (stanza) => stanza.name === 'message' && stanza.getChild('body') !== undefined && bareJid(attribute(stanza, 'from') ?? '') === room,
  )

const left = (stream: RawStream, occupant: string) =>
  until(stream, ({ name, attrs }) => name === 'presence' && attrs['type'] === 'unavailable' && attrs['from'] === occupant)

for (const kind of [prosody, ejabberd]) {
  onServer(kind, 'notify beyond accounts', { accounts: ['bot', 'you'], rooms: ROOMS, components: [FEEDS] }, (test) => {
    test('a room hears it from whoever comes for that, and leaves', async (t, server) => {
      const room = `team@${ROOMS}`
      const you = await inRoom(t, server, room, 'you')
      t.deepEqual(await asBot(t, server)('notify', room, 'disk full').ended, { code: 0, stdout: `said in the room ${room}\n`, stderr: '' })
      const message = await said(you, room)
      t.deepEqual(
        [attribute(message, 'type'), attribute(message, 'from'), message.getChildText('body')],
        ['groupchat', `${room}/bot`, 'disk full'],
      )
      await left(you, `${room}/bot`)
    })

    test('in a room where somebody has its name it has another one', async (t, server) => {
      const room = `taken@${ROOMS}`
      const you = await inRoom(t, server, room, 'bot')
      t.is((await asBot(t, server)('notify', room, 'disk full').ended).code, 0)
      t.regex(attribute(await said(you, room), 'from') ?? '', /^taken@rooms\.localhost\/bot-[0-9a-f]{8}$/)
    })

    test('with a file, the room reads a link to it', async (t, server) => {
      const room = `files@${ROOMS}`
      const you = await inRoom(t, server, room, 'you')
      const path = join(await makeFolder(t), 'big.log')
      await writeFile(path, 'disk full')
      const notify = asBot(t, server)('notify', room, 'last night', '--file', path)
      await notify.said('Ctrl-C takes it back\n')
      t.regex((await said(you, room)).getChildText('body') ?? '', /^last night\nbig\.log \(9 B\)\nxmpp:bot@localhost\/\S+\?jingle;id=/)
      notify.interrupt()
      await notify.ended
    })

    test('a room that keeps somebody out says so, and so does one that is not there', async (t, server) => {
      const room = `closed@${ROOMS}`
      const you = await inRoom(t, server, room, 'you')
      you.send(
        `<iq type='set' id='out' to='${room}'><query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='outcast' jid='bot@localhost'/></query></iq>`,
      )
      await until(you, (stanza) => attribute(stanza, 'id') === 'out')
      const bot = asBot(t, server)
      const refused = await bot('notify', room, 'disk full').ended
      t.deepEqual([refused.code, refused.stdout], [3, ''], refused.stderr)
      const missing = await bot('notify', `nobody@${ROOMS}`, 'disk full').ended
      t.deepEqual([missing.code, missing.stdout], [4, ''], missing.stderr)
    })

    test('at the address of a feed it is published there', async (t, server) => {
      await servePubsub(t, server, await dataFolder(t), [], FEEDS)
      const bot = asBot(t, server)
      t.is((await bot('pubsub', 'create', 'builds/alarms', '--to', FEEDS).ended).code, 0)
      const { code, stdout, stderr } = await bot('notify', `builds\\2falarms@${FEEDS}`, 'disk full').ended
      t.deepEqual([code, stdout, stderr], [0, `published at builds/alarms of ${FEEDS}\n`, ''])
      t.regex((await bot('pubsub', 'items', 'builds/alarms', '--to', FEEDS).ended).stdout, /disk full/)
    })
  })
}
