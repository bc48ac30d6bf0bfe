import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { mkdtemp, open, stat, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Command } from 'commander'
import { loadSettings, serveOptions } from '../../config/index.ts'
import { BytestreamError, formatBytes, formatDuration, orAbort, parseBytes, throwIfAborted } from '../../core/index.ts'
import type { Service } from '../../service.ts'
import { type Transfer, TransferClient } from '../../transfer/index.ts'
import { addExamples, type Run, type Start } from '../command-line.ts'
import { EXIT } from '../exit-codes.ts'
import type { Output } from '../output.ts'

const CHUNK_BYTES = 4 * 1024 * 1024
const DOMAIN = 'localhost'
const PROXY = `proxy.${DOMAIN}`

/** `streamhost demo`: everything on one machine, told step by step. */
export function addDemo(program: Command, start: Start): void {
  const command = program
    .command('demo')
    .argument('[file]', 'what to send (default: data made for the purpose)')
    .option('--size <SIZE>', 'how much data to make', '256MiB')
    .description('send a file from one account to another, through the proxy, with everything on this machine')
  addExamples(command, 'streamhost demo', 'streamhost demo --size 1GiB', 'streamhost demo photo.jpg')
  command.action((file: string | undefined) => start(command, (run) => demo(file, command.opts<{ size: string }>().size, run)))
}

async function demo(file: string | undefined, size: string, run: Run): Promise<void> {
  const sizeBytes = file === undefined ? parseBytes(size) : (await statOf(file)).size
  const folder = await mkdtemp(join(tmpdir(), 'streamhost-demo-'))
  // Also when the user will not wait for the proper end, or closes the terminal.
  const cleanUp = () => rmSync(folder, { recursive: true, force: true })
  const leave = () => process.exit(EXIT.failed)
  process.once('exit', cleanUp).once('SIGHUP', leave)
  try {
    await checkSpace(folder, file === undefined ? 2 * sizeBytes : sizeBytes)
    const path = file ?? (await makeData(join(folder, 'demo.bin'), sizeBytes, run))
    await play(path, join(folder, 'received'), run)
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

/** Numbers what it tells, and names the section that describes it. */
class Narrator {
  readonly #output: Output
  #count = 0

  constructor(output: Output) {
    this.#output = output
  }

  tell(step: string, facts: object, text: string, source: string, ...more: readonly string[]): void {
    this.#count += 1
    this.#output.tell(step, { ...facts, source }, `${String(this.#count).padStart(2)}. ${text}  [${source}]`, ...more)
  }
}

/** No other command but `serve` needs what it brings. Where `using` stands beside it, tsc would leave this path as it is. */
const loadService = () => import('../../service.ts')

async function play(path: string, into: string, { output, signal, logger }: Run): Promise<void> {
  const narrator = new Narrator(output)
  const password = () => randomBytes(12).toString('base64url')
  const accounts = [
    { local: 'sender', password: password() },
    { local: 'receiver', password: password() },
  ] as const
  const flags = { domain: PROXY, embedded: true, listen: ['127.0.0.1:0'], 'embedded-listen': '127.0.0.1:0' }
  const settings = loadSettings(serveOptions, { flags, environment: {} })
  const { Service } = await loadService()
  await using service = new Service({ logger }, { settings, secret: password(), accounts })
  narrateService(service, narrator)
  await orAbort(service.start(), signal)
  const { clientAddress } = service
  if (!clientAddress) throw new BytestreamError('ERR_INTERNAL', 'the embedded server has no address')
  const [streamhost] = service.advertised
  narrator.tell(
    'serving',
    { server: clientAddress, streamhost },
    `An XMPP server runs at ${clientAddress.host}:${clientAddress.port}; ${PROXY} is plugged into it, and takes SOCKS5 connections at ${streamhost?.host}:${streamhost?.port}.`,
    'XEP-0114 §3',
  )

  const login = (account: (typeof accounts)[number]) =>
    TransferClient.connect(
      {
        jid: `${account.local}@${DOMAIN}`,
        password: account.password,
        service: `xmpp://${clientAddress.host}:${clientAddress.port}`,
        reconnect: false,
        mayConnect: () => true, // Where everything is on this machine, so is the proxy.
        signal,
      },
      { logger },
    )
  await using receiver = await login(accounts[1])
  await using sender = await login(accounts[0])
  narrator.tell(
    'online',
    { sender: sender.jid, receiver: receiver.jid },
    `${sender.jid} and ${receiver.jid} are online; they have never met.`,
    'RFC 6120 §6',
  )
  const incoming = nextTransfer(receiver, into)
  const transfer = sender.send(path, { to: `receiver@${DOMAIN}`, method: 'proxy', negotiation: 'si', signal })
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
    const accepting = receiver.receive({ into, from: [`sender@${DOMAIN}`] })
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
