// Goal: every command of `streamhost pubsub` and `streamhost disco`, as people and as programs see it, on services of others.
// Method: the commands in this process, on Prosody's and ejabberd's own services; one node's life, from one command to the next.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import ava, { type ExecutionContext } from 'ava'
import { run } from '../../src/cli/program.ts'
import { ours, withFeeds } from '../helpers/own-pubsub.ts'
import { ejabberd, onServer, prosody, type ServerUnderTest } from '../helpers/server.ts'
import { TestTerminal } from '../helpers/terminal.ts'
import { makeFolder } from '../helpers/transfers.ts'
import { startNetwork } from '../helpers/xmpp-network.ts'

const SERVICE = 'pubsub.localhost'

/** A command that is running. */
function start(args: readonly string[], environment: Readonly<Record<string, string>> = {}, columns?: number) {
  const [stdout, stderr] = [new TestTerminal(columns), new TestTerminal()]
  const stopping = new AbortController()
  const context = { environment: { NO_COLOR: '1', ...environment }, signal: stopping.signal, onHangUp: () => {}, onExit: () => {} }
  const code = run(args, { streams: { stdout, stderr }, ...context })
  /** Settles when it has told that. */
  const told = async (text: string) => {
    while (!stdout.written.includes(text)) {
      const isOver = await Promise.race([new Promise<false>((resolve) => setImmediate(resolve, false)), code.then(() => true as const)])
      if (isOver && !stdout.written.includes(text)) throw new Error(`ended before it told ${text}: ${stderr.written}`)
    }
  }
  const ended = code.then((exitCode) => ({ code: exitCode, stdout: stdout.written, stderr: stderr.written }))
  return { ended, told, stop: () => stopping.abort() }
}

const call = (args: readonly string[], environment?: Readonly<Record<string, string>>, columns?: number) =>
  start(args, environment, columns).ended

/** The commands of one account. */
function as(local: string, server: Pick<ServerUnderTest, 'client'>) {
  const environment = {
    STREAMHOST_ACCOUNT: `${local}@localhost`,
    STREAMHOST_PASSWORD: 'pencil',
    STREAMHOST_SERVICE: `xmpp://${server.client.host}:${server.client.port}`,
  }
  return {
    start: (...args: string[]) => start(args, environment),
    /** What it says, of a command that is done; told in so many columns. */
    async says(t: ExecutionContext, args: readonly string[], columns?: number) {
      const { code, stdout, stderr } = await call(args, environment, columns)
      t.deepEqual([code, stderr], [0, ''], args.join(' '))
      return stdout
    },
    /** The same for programs. */
    async facts(t: ExecutionContext, args: readonly string[]) {
      const { code, stdout } = await call([...args, '--json'], environment)
      t.is(code, 0, stdout)
      return stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    },
    fails: (...args: string[]) => call(args, environment),
  }
}

const queues = { accounts: ['owner', 'friend'], ownPubsub: SERVICE }
onServer(withFeeds({ queueEntriesPerAccountMax: 2 }), 'queues', queues, (test) => {
  test('owners see what waits for whom, and have what was given up delivered again, or drop it', async (t, server) => {
    const [owner, friend] = [as('owner', server), as('friend', server)]
    const at = (...args: string[]) => ['pubsub', ...args]
    await owner.says(t, at('create', 'builds'))
    t.is(await owner.says(t, at('queue', 'builds')), '')
    t.is(await owner.says(t, at('dead', 'builds')), '')
    await friend.says(t, at('subscribe', 'builds', '--set', 'https://www.npmjs.com/package/streamhost#feeds-queue=true'))
    for (const id of ['a', 'b', 'c', 'd']) await owner.says(t, at('publish', 'builds', '--id', id, '--text', 'something new'))

    t.regex(await owner.says(t, at('queue', 'builds')), /^friend@localhost +2 waiting, 0 handed over, the oldest of 2/)
    const [length] = await owner.facts(t, at('queue', 'builds'))
    t.like(length, { event: 'waiting', node: 'builds', account: 'friend@localhost', waiting: 2, handed: 0 })
    t.regex(
      await owner.says(t, at('dead', 'builds')),
      /^1 +friend@localhost +a +queue-full \(0 times\), 2.*\n2 +friend@localhost +b +queue-full/,
    )
    const letters = await owner.facts(t, at('dead', 'builds'))
    t.deepEqual(
      letters.map(({ event, id, account, kind, item, attempts, reason }) => [event, id, account, kind, item, attempts, reason]),
      ['a', 'b'].map((item, n) => ['dead', String(n + 1), 'friend@localhost', 'published', item, 0, 'queue-full']),
    )

    const full = await owner.fails(...at('dead', 'builds', '--again', '1'))
    t.regex(full.stderr, /the queue of friend@localhost is full/)
    t.is(await owner.says(t, at('dead', 'builds', '--drop', '1')), '1 is dropped\n')
    await owner.says(t, at('retract', 'builds', 'c'))
    t.is(await owner.says(t, at('dead', 'builds', '--again', '2')), '2 is delivered again\n')
    t.is(await owner.says(t, at('dead', 'builds')), '')
    t.like((await owner.facts(t, at('queue', 'builds')))[0], { waiting: 2 })

    const gone = await owner.fails(...at('dead', 'builds', '--drop', '1'))
    t.regex(gone.stderr, /there is no such dead letter/)
    const stranger = await friend.fails(...at('queue', 'builds'))
    t.deepEqual([stranger.code, stranger.stdout], [3, ''])
    const both = await owner.fails(...at('dead', 'builds', '--again', '3', '--drop', '3'))
    t.deepEqual([both.code, /both name 3/.test(both.stderr)], [2, true])
  })
})

for (const kind of [ours, prosody, ejabberd]) {
  onServer(kind, 'publish-subscribe commands', { accounts: ['owner', 'friend'], ownPubsub: SERVICE }, (test) => {
    test('the life of a node, from its creation to its end', async (t, server) => {
      const [owner, friend] = [as('owner', server), as('friend', server)]
      t.is(
        await owner.says(t, ['pubsub', 'create', 'builds', '--set', 'access_model=open', '--set', 'max_items=5']),
        `created builds at ${SERVICE}\n`,
      )
      t.like(await friend.facts(t, ['pubsub', 'nodes']), [{ event: 'node', service: SERVICE, node: 'builds' }])

      // Somebody follows it.
      const watching = friend.start('pubsub', 'subscribe', 'builds', '--watch')
      await watching.told(`watching builds at ${SERVICE}; Ctrl-C ends it\n`)
      const build = join(await makeFolder(t), 'build.xml')
      await writeFile(build, "<?xml version='1.0'?>\n<build xmlns='urn:example:builds'>\n  <ok/>\n</build>\n")
      t.is(await owner.says(t, ['pubsub', 'publish', 'builds', build, '--id', 'one']), 'published one\n')
      t.is(await owner.says(t, ['pubsub', 'publish', 'builds', '--id', 'two', '--text', 'It is done', '--to', SERVICE]), 'published two\n')
      await watching.told('builds  two  It is done\n')

      // What is there.
      t.is(await friend.says(t, ['pubsub', 'items', 'builds', '--max', '1']), 'two  It is done\n')
      t.is(await friend.says(t, ['pubsub', 'items', 'builds', 'one']), 'one  <build xmlns="urn:example:builds"> <ok/> </build>\n')
      t.like(await friend.facts(t, ['pubsub', 'items', 'builds', 'two']), [{ event: 'item', node: 'builds', id: 'two' }])
      t.is(await owner.says(t, ['pubsub', 'retract', 'builds', 'one', '--notify']), 'retracted one\n')
      await watching.told('builds  retracted one\n')
      watching.stop()
      t.like(await watching.ended, { code: 0, stderr: '' })
      t.deepEqual(await friend.facts(t, ['pubsub', 'subscriptions']), [])

      // Who is what to it.
      t.is(await friend.says(t, ['pubsub', 'subscribe', 'builds']), await subscribed(t, friend, 'friend@localhost is subscribed to builds'))
      t.like(await friend.facts(t, ['pubsub', 'subscriptions']), [
        { event: 'subscription', node: 'builds', jid: 'friend@localhost', state: 'subscribed' },
      ])
      t.regex(await owner.says(t, ['pubsub', 'subscriptions', 'builds', '--of-node']), /^subscribed {4}friend@localhost/m)
      const set = ['pubsub', 'affiliations', 'builds', '--set', 'friend@localhost=publisher']
      t.is(await owner.says(t, set), 'friend@localhost of builds: publisher\n')
      t.regex(await owner.says(t, ['pubsub', 'affiliations', 'builds', '--of-node']), /^publisher {5}friend@localhost$/m)
      t.is(
        await owner.says(t, ['pubsub', 'subscriptions', 'builds', '--set', 'friend@localhost=none']),
        'friend@localhost of builds: none\n',
      )
      t.deepEqual(await friend.facts(t, ['pubsub', 'subscriptions', 'builds']), [])

      // How it is, and what else it could be.
      const [field] = (await owner.facts(t, ['pubsub', 'configure', 'builds'])).filter(({ field }) => field === 'access_model')
      t.like(field, { event: 'field', var: 'pubsub#access_model', type: 'list-single', values: ['open'] })
      t.is(await owner.says(t, ['pubsub', 'configure', 'builds', '--set', 'access_model=whitelist']), 'configured builds\n')
      t.regex(await owner.says(t, ['pubsub', 'configure', 'builds'], 160), /^access_model +whitelist +\[.*open.*\] \S.*$/m)
      for (const columns of [40, 80, 160]) {
        const lines = (await owner.says(t, ['pubsub', 'configure', 'builds'], columns)).split('\n')
        t.true(
          lines.every((line) => line.length <= columns),
          `${columns}`,
        )
      }

      // What does not go.
      await owner.says(t, ['pubsub', 'affiliations', 'builds', '--set', 'friend@localhost=none'])
      const refused = await friend.fails('pubsub', 'subscribe', 'builds')
      t.is(refused.code, 3, refused.stdout)
      t.regex(refused.stderr, /^streamhost: pubsub\.localhost answered .*; /)
      t.like(await friend.fails('pubsub', 'configure', 'builds'), { code: 3 })
      const none = await friend.fails('pubsub', 'items', 'nothing')
      t.is(none.code, 4)
      t.regex(none.stderr, /^streamhost: pubsub\.localhost answered item-not-found/)
      const wrong = await owner.fails('pubsub', 'configure', 'builds', '--set', 'access_model=closed')
      t.is(wrong.code, 2)
      t.regex(wrong.stderr, /^streamhost: access_model is one of .*open.*, not closed\n$/)
      t.like(await owner.fails('pubsub', 'create', 'builds'), { code: 3 })

      t.is(await owner.says(t, ['pubsub', 'retract', 'builds', '--all']), 'purged builds\n')
      t.is(await owner.says(t, ['pubsub', 'delete', 'builds']), 'deleted builds\n')
      t.is(await friend.says(t, ['pubsub', 'nodes']), '')
    })
  })
}

for (const kind of [ours, ejabberd]) {
  onServer(kind, 'approvals by command', { accounts: ['owner', 'friend'], ownPubsub: SERVICE }, (test) => {
    test('who waits for an owner is let in, or refused', async (t, server) => {
      const [owner, friend] = [as('owner', server), as('friend', server)]
      await owner.says(t, ['pubsub', 'create', 'club', '--set', 'access_model=authorize'])
      const waits = async () =>
        t.regex(await friend.says(t, ['pubsub', 'subscribe', 'club']), /^friend@localhost waits for the owner of club/)
      await waits()
      t.like(await friend.fails('pubsub', 'items', 'club'), { code: 3 })
      if (kind === ours) {
        t.regex(await owner.says(t, ['pubsub', 'pending']), /^club {2}friend@localhost {2}\w+\n$/)
        t.like(await owner.facts(t, ['pubsub', 'pending', 'club']), [{ event: 'pending', node: 'club', jid: 'friend@localhost' }])
      }
      t.is(await owner.says(t, ['pubsub', 'deny', 'club', 'Friend@localhost']), 'friend@localhost may not subscribe to club\n')
      await waits()
      t.like(await owner.facts(t, ['pubsub', 'approve', 'club', 'friend@localhost']), [
        { event: 'approved', node: 'club', jid: 'friend@localhost' },
      ])
      t.like(await friend.facts(t, ['pubsub', 'subscriptions']), [{ node: 'club', state: 'subscribed' }])
      const nobody = await owner.fails('pubsub', 'approve', 'club', 'friend@localhost')
      t.is(nobody.code, 3)
      t.regex(nobody.stderr, /^streamhost: pubsub\.localhost answered unexpected-request.*; "streamhost pubsub pending" tells who waits\n$/)
      const two = await owner.fails('pubsub', 'approve', 'club', 'a@localhost', 'b@localhost', '--subid', 'x')
      t.like(two, { code: 2, stderr: 'streamhost: --subid is of one request: name one JID\n' })
      await owner.says(t, ['pubsub', 'delete', 'club'])
    })
  })
}

async function subscribed(t: ExecutionContext, { facts }: ReturnType<typeof as>, text: string): Promise<string> {
  const [{ subid } = {}] = await facts(t, ['pubsub', 'subscriptions', 'builds'])
  return subid === undefined ? `${text}\n` : `${text}, subscription ${subid}\n`
}

for (const [what, args, message] of [
  ['a field without a value', ['configure', 'n', '--set', 'title'], '--set: "title" is wrong: expected FIELD=VALUE, such as title=Builds'],
  ['fields of no node', ['configure', '--set', 'title=a'], 'name the node that is to be configured'],
  ['a number of items that is none', ['items', 'n', '--max', 'all'], '--max: "all" is wrong: expected a whole number, such as 10'],
  ['items by name and by number', ['items', 'n', 'a', '--max', '1'], 'name items, or say how many: not both'],
  ['nothing to retract', ['retract', 'n'], 'name items by their ids, or say --all'],
  ['a text and a file', ['publish', 'n', 'f', '--text', 'a'], 'name files, or say --text, not both'],
  ['one id for two files', ['publish', 'n', 'f', 'g', '--id', 'a'], '--id is of one item: name one file'],
  [
    'an affiliation nobody knows',
    ['affiliations', 'n', '--set', 'a@b=king'],
    '--set: "king" is wrong: expected owner, publisher, publish-only, member, outcast, none',
  ],
  ['an affiliation with no node', ['affiliations', '--set', 'a@b=owner'], '--set is about one node: name it'],
  ["everybody's subscriptions to no node", ['subscriptions', '--of-node'], '--of-node is about one node: name it'],
  ['somebody else who watches', ['subscribe', 'n', '--watch', '--jid', 'a@b'], '--watch is for this program alone: leave --jid out'],
] as const) {
  ava(`pubsub with ${what} is one line on stderr, exit code 2, and nobody is asked`, async (t) => {
    t.deepEqual(await call(['pubsub', ...args, '--account', 'a@b']), { code: 2, stdout: '', stderr: `streamhost: ${message}\n` })
  })
}

ava('what is no XML is not published, nor is a file that is not there, and nobody is asked', async (t) => {
  const path = join(await makeFolder(t), 'build.xml')
  const publish = (name: string) => call(['pubsub', 'publish', 'n', name, '--account', 'a@b'])
  await writeFile(path, 'It is done')
  t.deepEqual(await publish(path), { code: 1, stdout: '', stderr: `streamhost: ${path} cannot be published: that is no XML element\n` })
  const none = await publish(`${path}.none`)
  t.is(none.code, 1)
  t.regex(none.stderr, /^streamhost: .*build\.xml\.none cannot be read: ENOENT/)
})

ava('a server without a service is said, exit code 4', async (t) => {
  const { jid, service } = (await startNetwork(t, ['laptop'])).account('laptop')
  const { code, stderr } = await call(['pubsub', 'nodes'], {
    STREAMHOST_ACCOUNT: jid,
    STREAMHOST_SERVICE: `${service}`,
    STREAMHOST_PASSWORD: 'pencil',
  })
  t.deepEqual([code, stderr], [4, 'streamhost: the server names no publish-subscribe service; name one with --to\n'])
})
