import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import {
  BytestreamTarget,
  InBandTarget,
  type JingleSessions,
  type JingleTransportComponents,
  ProxyFinder,
  ResourceFinder,
} from '../../src/bytestreams/index.ts'
import { type BytestreamError, bareJid, type Clock, silentLogger, toBytestreamError } from '../../src/core/index.ts'
import type { Session } from '../../src/session/index.ts'
import { fetchFile } from '../../src/transfer/fetch.ts'
import type { TransferResult } from '../../src/transfer/index.ts'
import { FileSessions } from '../../src/transfer/jingle/file-sessions.ts'
import { Together } from '../../src/transfer/jingle/together.ts'
import { OfferedBefore } from '../../src/transfer/offering.ts'
import { Receiver } from '../../src/transfer/receiver.ts'
import { sendFile } from '../../src/transfer/sender.ts'
import { Sharing } from '../../src/transfer/sharing.ts'
import { Transfer, type Work } from '../../src/transfer/transfer.ts'
import { announcing } from './announcing.ts'
import { JingleLink, jids, otherSide, type Side } from './jingle-link.ts'
import { settle } from './settle.ts'

/** What a side says when it is asked for a file, or offered one: at once, or when the test answers. */
export type Decision = 'yes' | 'no' | 'held'

/** A transfer as one side has it, and what became of it. */
export interface Tracked {
  readonly transfer: Transfer
  isCancelled: boolean
  outcome: TransferResult | BytestreamError | undefined
}

/** A file that is to go from one side to the other. */
export interface LinkedFile {
  readonly name: string
  readonly content: Buffer
  /** Whose file it is. */
  readonly from: Side
  readonly isFetched: boolean
  readonly decision: Decision
  /** How often the side that decides was asked. */
  asked: number
  readonly gives: Tracked[]
  readonly takes: Tracked[]
}

interface FileEnd {
  readonly session: Session
  readonly components: JingleTransportComponents & { readonly resources: ResourceFinder; readonly jingle: JingleSessions }
  readonly receiver: Receiver
  readonly sharing: Sharing
  readonly inbox: string
  together: Together
}

/** Where Linux keeps files in memory: each file that is received is synced. */
const MEMORY = '/dev/shm'
/** As Node names what it has under way: a turn of the event loop, and requests to the file system. */
const WORKING = ['Immediate', 'FSReqPromise', 'FSReqCallback', 'CloseReq']

/** Waits until nothing happens any more by itself: neither promises nor files are under way. */
async function rest(): Promise<void> {
  do await settle()
  while (process.getActiveResourcesInfo().some((resource) => WORKING.includes(resource)))
}

/**
 * Two sides that send, receive, share and fetch files in band by Jingle, with nothing of their own left out, and a wire
 * between them on which stanzas wait until the test lets them arrive: one by one, or several in one segment.
 */
export class FileLink implements AsyncDisposable {
  readonly link: JingleLink
  /** By name. */
  readonly files = new Map<string, LinkedFile>()
  /** Every transfer of a side, in the order of their beginning. */
  readonly transfers: readonly [Tracked[], Tracked[]] = [[], []]
  /** Questions nobody has answered yet. */
  readonly held: ((isWanted: boolean) => void)[] = []
  #isHolding = true
  readonly #clock: Clock
  readonly #folder: string
  readonly #ends: readonly [FileEnd, FileEnd]

  private constructor(clock: Clock, link: JingleLink, folder: string) {
    this.#clock = clock
    this.link = link
    this.#folder = folder
    this.#ends = [this.#openEnd(0), this.#openEnd(1)]
  }

  static async open(clock: Clock): Promise<FileLink> {
    const folder = await mkdtemp(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'streamhost-link-'))
    await mkdir(join(folder, 'outbox'))
    return new FileLink(clock, await JingleLink.open(clock), folder)
  }

  /** One call to send these files; together with those before, unless they are to begin anew. */
  async send(from: Side, wanted: readonly { readonly bytes: number; readonly decision: Decision }[], isNew: boolean): Promise<void> {
    const end = this.#ends[from]
    if (isNew) end.together = togetherOf(end)
    const files = await Promise.all(wanted.map((each) => this.#make(from, each, false)))
    const to = jids[otherSide(from)]
    for (const { name } of files) {
      const path = this.#pathOf(name)
      const init = { to, negotiation: 'jingle', method: 'ibb' } as const
      const { components, together } = end
      this.#begin(from, 'send', name, (transfer) =>
        sendFile(components, { path }, init, { transfer, together, before: new OfferedBefore() }),
      )
    }
  }

  /** Asks the other side for a file of its own. */
  async fetch(by: Side, bytes: number, decision: Decision): Promise<void> {
    const { components, inbox } = this.#ends[by]
    const { name } = await this.#make(otherSide(by), { bytes, decision }, true)
    const init = { from: jids[otherSide(by)], into: inbox, file: { name }, method: 'ibb' } as const
    this.#begin(by, 'receive', name, (transfer) => fetchFile(components, init, { transfer, before: {} }))
  }

  cancel(side: Side, at: number): void {
    const tracked = this.transfers[side][at]
    if (!tracked) return
    tracked.isCancelled ||= tracked.outcome === undefined
    tracked.transfer.cancel()
  }

  /** Lets that many stanzas of a side arrive, and what comes of each; in one segment, nobody looks in between. */
  async deliver(from: Side, count: number, isOneSegment: boolean): Promise<void> {
    for (let at = 0; at < count; at++) {
      this.link.deliver(from)
      if (!isOneSegment) await rest()
    }
    await rest()
  }

  /** Lets everything arrive, one stanza after the other. */
  async deliverAll(): Promise<void> {
    do await rest()
    while (this.link.deliver(0) || this.link.deliver(1))
  }

  /** Whatever was held back, or would be, is wanted. */
  answerAll(): void {
    this.#isHolding = false
    for (const answer of this.held.splice(0)) answer(true)
  }

  /** Waits until nothing happens any more by itself. */
  readonly rest = rest

  /** Nothing new is taken or given from now on. */
  stop(): void {
    for (const { receiver, sharing } of this.#ends) {
      receiver.stop()
      sharing.stop()
    }
  }

  /** The names of the files a side has received, and of those it has parts of. */
  inboxOf(side: Side): { readonly stored: string[]; readonly parts: string[] } {
    const { inbox } = this.#ends[side]
    const names = existsSync(inbox) ? readdirSync(inbox).sort() : [] // It takes a file to make it.
    const partOf = (name: string) => /^\.(.+)\.[0-9a-f]+\.part(\.json)?$/.exec(name)?.[1]
    return { stored: names.filter((name) => !partOf(name)), parts: names.flatMap((name) => partOf(name) ?? []) }
  }

  pathIn(side: Side, name: string): string {
    return join(this.#ends[side].inbox, name)
  }

  /** What is still there of what was under way, in words. */
  get left(): string[] {
    const transfers = this.#ends.flatMap(({ receiver, sharing }) => [...receiver.running, ...sharing.running])
    const open = readdirSync('/proc/self/fd').flatMap((descriptor) => {
      try {
        const path = readlinkSync(`/proc/self/fd/${descriptor}`)
        return path.startsWith(this.#folder) ? [path] : []
      } catch {
        return [] // The one that was reading the folder.
      }
    })
    return [...transfers.map(({ name }) => `transfer ${name}`), ...open]
  }

  /** How many listen to the session of a side, by event. */
  listeners(side: Side): Record<string, number> {
    const { session } = this.#ends[side]
    return Object.fromEntries(session.eventNames().map((event) => [String(event), session.listenerCount(event)]))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop()
    await this.link[Symbol.asyncDispose]()
    await rest()
    await rm(this.#folder, { recursive: true })
  }

  #openEnd(side: Side): FileEnd {
    const { session, jingle } = this.link.ends[side]
    const basics = { session, clock: this.#clock, logger: silentLogger }
    const { announce } = announcing(session)
    const inBand = new InBandTarget(basics)
    const proxies = new ProxyFinder(session, this.#clock, silentLogger)
    const resources = new ResourceFinder(session, this.#clock, announce)
    const components = { ...basics, announce, inBand, proxies, resources, jingle }
    const inbox = join(this.#folder, `inbox-${side}`)
    const from = [bareJid(jids[otherSide(side)])]
    const targets = { inBand, socks5: new BytestreamTarget(session, this.#clock, silentLogger, { proxies }) }
    const receiver = new Receiver(targets, this.#clock, { into: inbox, from, mayAccept: ({ name }) => this.#ask(name) })
    const sharing = new Sharing(this.#clock, {
      to: from,
      mayFetch: async ({ name = '' }) => ((await this.#ask(name)) ? this.#pathOf(name) : undefined),
    })
    receiver.on('transfer', (transfer) => this.#track(side, transfer))
    sharing.on('transfer', (transfer) => this.#track(side, transfer))
    const sessions = new FileSessions(components)
    sessions.receiver = receiver
    sessions.sharing = sharing
    return { session, components, receiver, sharing, inbox, together: togetherOf({ components }) }
  }

  #pathOf(name: string): string {
    return join(this.#folder, 'outbox', name)
  }

  async #make(
    from: Side,
    { bytes, decision }: { readonly bytes: number; readonly decision: Decision },
    isFetched: boolean,
  ): Promise<LinkedFile> {
    const name = `file-${this.files.size}`
    const content = Buffer.alloc(bytes, `${name} `)
    const file: LinkedFile = { name, content, from, isFetched, decision, asked: 0, gives: [], takes: [] }
    this.files.set(name, file)
    await writeFile(this.#pathOf(name), content)
    return file
  }

  async #ask(name: string): Promise<boolean> {
    const file = this.files.get(name)
    if (!file) return false // Somebody has forged it.
    file.asked++
    if (file.decision === 'held' && this.#isHolding) return await new Promise<boolean>((answer) => void this.held.push(answer))
    return file.decision !== 'no'
  }

  #begin(side: Side, direction: 'send' | 'receive', name: string, work: Work): void {
    this.#track(side, new Transfer(this.#clock, { direction, peer: jids[otherSide(side)], name }, work))
  }

  #track(side: Side, transfer: Transfer): void {
    const tracked: Tracked = { transfer, isCancelled: false, outcome: undefined }
    this.transfers[side].push(tracked)
    const file = this.files.get(basename(transfer.name))
    if (transfer.direction === 'send') file?.gives.push(tracked)
    else file?.takes.push(tracked)
    const tell = (outcome: TransferResult | BytestreamError) => {
      tracked.outcome = outcome
    }
    transfer.done.then(tell, (thrown) => tell(toBytestreamError(thrown)))
  }
}

const togetherOf = ({ components }: Pick<FileEnd, 'components'>) => new Together({ clock: components.clock, jingle: components.jingle })
