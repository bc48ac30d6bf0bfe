import { createHmac, randomBytes } from 'node:crypto'
import { BytestreamError } from '../core/index.ts'
import { type Credential, deriveCredential } from '../session/index.ts'
import type { Account } from './client-session.ts'
import { tryJid } from './names.ts'
import { Roster } from './roster.ts'

/** The accounts, and what their passwords left behind. */
export class Accounts {
  readonly #domain: string
  readonly #accounts = new Map<string, Account>()
  readonly #credentials = new Map<string, Credential>()
  readonly #decoyKey = randomBytes(32)

  constructor(domain: string) {
    this.#domain = domain
  }

  /** @throws BytestreamError `ERR_CONFIG` for a name or a password that cannot be one, and a name that is taken */
  add(name: string, password: string, rosterItemsMax: number): void {
    const local = this.#prepare(name)
    if (!local) throw new BytestreamError('ERR_CONFIG', `"${name}" cannot be the name of an account`)
    if (this.#accounts.has(local)) throw new BytestreamError('ERR_CONFIG', `the account "${name}" is there twice`)
    const credential = password ? deriveCredential(password) : undefined
    if (!credential) throw new BytestreamError('ERR_CONFIG', `the account "${name}" has a password that nobody can log in with`)
    this.#credentials.set(local, credential)
    this.#accounts.set(local, { local, jid: `${local}@${this.#domain}`, roster: new Roster(rosterItemsMax), sessions: new Map() })
  }

  /** @param local as a prepared JID has it */
  get(local: string): Account | undefined {
    return this.#accounts.get(local)
  }

  /** @param username as a client wrote it */
  find(username: string): Account | undefined {
    return this.#accounts.get(this.#prepare(username))
  }

  /** For a name that is no account, what one could have: the same for the same name, matched by no password (RFC 5802 §9). */
  credentialOf(username: string): Credential {
    const local = this.#prepare(username)
    const decoy = (use: string, bytes: number) => createHmac('sha256', this.#decoyKey).update(`${use} ${local}`).digest().subarray(0, bytes)
    return this.#credentials.get(local) ?? { salt: decoy('salt', 16), storedKey: decoy('stored', 20), serverKey: decoy('server', 20) }
  }

  /** @returns an empty string for what cannot be the name of an account; it then fails as any unknown one does */
  #prepare(name: string): string {
    const jid = tryJid(`${name}@${this.#domain}`)
    return jid && jid.domain === this.#domain && !jid.resource ? jid.local : ''
  }
}
