import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { mkdtemp, open, stat, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { type Command, Option } from 'commander'
import { BytestreamError, formatBytes, formatDuration, parseBytes, throwIfAborted } from '../../core/index.ts'
import type { Service } from '../../service.ts'
import type { Transfer, TransferClient } from '../../transfer/index.ts'
import { addExamples, type Run, type Start } from '../command-line.ts'
import { DEMO_DOMAIN, DemoStage } from '../demo-stage.ts'
import { EXIT } from '../exit-codes.ts'
import { Narrator } from '../narrator.ts'
import { castOf, playFeeds, SUBSCRIBERS_MAX } from './demo-feeds.ts'

const CHUNK_BYTES = 4 * 1024 * 1024
const PROXY = `proxy.${DEMO_DOMAIN}`

/** `streamhost demo`: everything on one machine, told step by step. */
export function addDemo(program: Command, start: Start): void {
  const command = program
    .command('demo')
    .argument('[file]', 'what to send, or to announce (default: data made for the purpose)')
    .option('--size <SIZE>', 'how much data to make (default: 256MiB; with --feeds 8MiB)')
    .option('--feeds', 'announce it on a feed instead: accounts follow that, and some of them are away meanwhile')
    .addOption(
      new Option('--subscribers <N>', `how many accounts follow the feed, ${SUBSCRIBERS_MAX} at most (default: 20)`).implies({
        feeds: true,
      }),
    )
    .addOption(new Option('--away <N>', 'how many of them are away (default: a quarter)').implies({ feeds: true }))
    .description('send a file from one account to another, through the proxy, with everything on this machine')
  addExamples(
    command,
    'streamhost demo',
    'streamhost demo --size 1GiB',
    'streamhost demo photo.jpg',
    'streamhost demo --feeds --subscribers 40',
  )
  command.action((file: string | undefined) => start(command, (run) => demo(file, command.opts<DemoFlags>(), run)))
}

interface DemoFlags {
  readonly size?: string
  readonly feeds?: boolean
  readonly subscribers?: string
  readonly away?: string
}

async function demo(file: string | undefined, { size, feeds, ...counts }: DemoFlags, run: Run): Promise<void> {
  const cast = feeds ? castOf(counts) : undefined
  const sizeBytes = file === undefined ? parseBytes(size ?? (cast ? '8MiB' : '256MiB')) : (await statOf(file)).size
  const folder = await mkdtemp(join(tmpdir(), 'streamhost-demo-'))
  // Also when the user will not wait for the proper end, or closes the terminal.
  const cleanUp = () => rmSync(folder, { recursive: true, force: true })
  const leave = () => process.exit(EXIT.failed)
  process.once('exit', cleanUp).once('SIGHUP', leave)
  try {
    const copies = (file === undefined ? 1 : 0) + (cast?.subscribers ?? 1)
    await checkSpace(folder, copies * sizeBytes)
    const path = file ?? (await makeData(join(folder, 'demo.bin'), sizeBytes, run))
    const received = join(folder, 'received')
    await (cast ? playFeeds(path, received, cast, run) : play(path, received, run))
  } finally {
    process.off('exit', cleanUp).off('SIGHUP', leave)
    cleanUp()
  }
}

async function statOf(file: string) {
  try {
    return await stat(file)
  } catch (cause) {
    throw new BytestreamError('ERR_FILE', `${file} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

async function checkSpace(folder: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  if (bavail * bsize >= neededBytes) return
  throw new BytestreamError(
    'ERR_DISK_SPACE',
    `${folder} has room for ${formatBytes(bavail * bsize)}, the demo needs ${formatBytes(neededBytes)}: choose a smaller --size, or another TMPDIR`,
  )
}

/** Data that does not repeat, so that a piece in the wrong place changes the hash. */
async function makeData(path: string, sizeBytes: number, { output, signal }: Run): Promise<string> {
  output.tell('making', { path, size: sizeBytes }, `Making ${formatBytes(sizeBytes)} of random data in the temporary folder.`)
  await using handle = await open(path, 'wx')
  for (let left = sizeBytes; left > 0; left -= CHUNK_BYTES) {
    throwIfAborted(signal)
    await handle.write(randomBytes(Math.min(CHUNK_BYTES, left)))
  }
  return path
}

async function play(path: string, into: string, run: Run): Promise<void> {
  const { output, signal } = run
  const narrator = new Narrator(output)
  await using stage = await DemoStage.make({ domain: PROXY, locals: ['sender', 'receiver'] }, run)
  const { service } = stage
  narrateService(service, narrator)
  await stage.start()
  const { server } = stage
  const [streamhost] = service.advertised
  narrator.tell(
    'serving',
    { server, streamhost },
    `An XMPP server runs at ${server.host}:${server.port}; ${PROXY} is plugged into it, and takes SOCKS5 connections at ${streamhost?.host}:${streamhost?.port}.`,
    'XEP-0114 §3',
  )

  await using receiver = await stage.logIn('receiver')
  await using sender = await stage.logIn('sender')
  narrator.tell(
    'online',
    { sender: sender.jid, receiver: receiver.jid },
    `${sender.jid} and ${receiver.jid} are online; they have never met.`,
    'RFC 6120 §6',
  )
  const incoming = nextTransfer(receiver, into)
  const transfer = sender.send(path, { to: `receiver@${DEMO_DOMAIN}`, method: 'proxy', negotiation: 'si', signal })
  output.follow(transfer)
  narrateTransfer(transfer, narrator)
  // The proxy notices the end of the bytestream by itself, maybe after both of them.
  const relayed = once(service.streamhost, 'closed', { signal })
  const [sent, received] = await Promise.all([transfer.done, incoming, relayed])
  output.close()

  const agree = sent.sha256 === received.sha256
  narrator.tell(
    'compared',
    { sent: sent.sha256, received: received.sha256, agree },
    `SHA-256 of both ends: ${agree ? 'they agree.' : 'THEY DIFFER.'}`,
    'FIPS 180-4',
    `    sent     ${sent.sha256}`,
    `    received ${received.sha256}`,
  )
  if (!agree) throw new BytestreamError('ERR_INTEGRITY', 'the file that arrived is not the one that was sent')
}

/** What arrives at the receiver, with the hash of the octets it wrote. */
function nextTransfer(receiver: TransferClient, into: string) {
  return new Promise<Awaited<Transfer['done']>>((resolve, reject) => {
    const accepting = receiver.receive({ into, from: [`sender@${DEMO_DOMAIN}`] })
    accepting.on('transfer', ({ done }) => void done.then(resolve, reject))
    accepting.on('declined', ({ error }) => reject(error))
  })
}

function narrateService(service: Service, narrator: Narrator): void {
  service.on('discoAsked', ({ from, about }) =>
    narrator.tell('disco', { from, about }, `${from} asks ${PROXY} what it is: a bytestream proxy.`, 'XEP-0030 §3.1, XEP-0065 §4'),
  )
  service.on('addressAsked', ({ from }) =>
    narrator.tell(
      'address',
      { from, streamhosts: service.advertised },
      `${from} asks where it listens: ${service.advertised.map(({ host, port }) => `${host}:${port}`).join(', ')}.`,
      'XEP-0065 §4',
    ),
  )
  service.on('activationAsked', ({ from, dstAddr }) =>
    narrator.tell(
      'activated',
      { from, dstAddr },
      `${PROXY} hashes sid, requester and target, finds both sockets waiting, and activates the bytestream.`,
      'XEP-0065 §6.3.5',
    ),
  )
  service.streamhost.on('closed', ({ totals, durationMs, engine }) => {
    const bytes = totals.firstToSecond + totals.secondToFirst
    const rate = formatBytes((bytes / Math.max(1, durationMs)) * 1000)
    narrator.tell(
      'relayed',
      { bytes, durationMs, engine },
      `${PROXY} relayed ${bytes} octets in ${formatDuration(durationMs)}, ${rate}/s, with the ${engine} engine.`,
      'XEP-0065 §6.2',
    )
  })
}

function narrateTransfer(transfer: Transfer, narrator: Narrator): void {
  transfer.on('step', (step) => {
    switch (step.step) {
      case 'accepted':
        return narrator.tell(
          'accepted',
          { to: transfer.peer, name: transfer.name, size: transfer.size },
          `${transfer.peer} was found by its presence, is offered "${basename(transfer.name)}", ${formatBytes(transfer.size)}, and accepts.`,
          'XEP-0096 §3',
        )
      case 'offered':
        return narrator.tell(
          'offered',
          { streamhosts: step.streamhosts, dstAddr: step.dstAddr },
          `The sender offers the streamhost ${step.streamhosts.map(({ jid, host, port }) => `${jid} at ${host}:${port}`).join(', ')}.`,
          'XEP-0065 §6.3.1',
        )
      case 'used':
        return narrator.tell(
          'used',
          { jid: step.jid },
          `The receiver connects by SOCKS5 to ${step.jid} and says so.`,
          'XEP-0065 §6.3.2, §6.3.3',
        )
      case 'connected':
        return narrator.tell(
          'connected',
          { ...step.streamhost, dstAddr: step.dstAddr },
          `The sender connects too, with the same DST.ADDR ${step.dstAddr}.`,
          'XEP-0065 §6.3.4',
        )
      default:
        return undefined
    }
  })
}
