import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { generate } from 'selfsigned'

/** A certificate with its key, both in PEM. */
export interface Certified {
  readonly cert: string
  readonly key: string
}

const DAY_MS = 86_400_000

interface CertificateInit {
  readonly names: readonly string[]
  /** Days from now until it begins, and until it ends. */
  readonly from?: number
  readonly until?: number
  /** Who signs it; without one it does so itself. */
  readonly issuer?: Certified
  readonly isAuthority?: boolean
}

async function certify({ names, from = -1, until = 30, issuer, isAuthority = false }: CertificateInit): Promise<Certified> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: names[0] ?? '' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() + from * DAY_MS),
    notAfterDate: new Date(Date.now() + until * DAY_MS),
    extensions: [
      { name: 'basicConstraints', cA: isAuthority, critical: true },
      { name: 'subjectAltName', altNames: names.map((value) => ({ type: 2, value })) },
    ],
    ...(issuer && { ca: issuer }),
  })
  return { cert: `${cert}\n`, key }
}

/** An authority of a test's own. */
export interface Authority extends Certified {
  /** A certificate for a domain. */
  issue(domain: string, days?: { readonly from?: number; readonly until?: number }): Promise<Certified>
}

export async function startAuthority(name = 'authority.test'): Promise<Authority> {
  const own = await certify({ names: [name], isAuthority: true })
  return { ...own, issue: (domain, days = {}) => certify({ names: [domain], issuer: own, ...days }) }
}

export const selfSigned = (domain: string) => certify({ names: [domain] })

/** Puts a text into a file that is there until the test is over. */
export async function fileOf(t: Pick<ExecutionContext, 'teardown'>, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'streamhost-certificates-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'file.pem')
  await writeFile(path, text)
  return path
}
