import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { startCli } from './cli.ts'
import { PROXY } from './prosody.ts'

/** A server and a proxy as a process, and a folder that goes with the test. */
export interface Box {
  readonly folder: string
  /** Arguments and environment that log in to an account of the box. */
  as(local: 'laptop' | 'desk'): readonly [args: readonly string[], environment: Readonly<Record<string, string>>]
}

/** `streamhost serve --embedded`, with two accounts. @param args more of its arguments */
export async function startBox(t: ExecutionContext, args: readonly string[] = []): Promise<Box> {
  const folder = await mkdtemp(join(tmpdir(), 'streamhost-cli-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'accounts.toml'), 'laptop = "pencil"\ndesk = "pencil"\n')
  const serve = startCli(t, [
    'serve',
    '--json',
    '--embedded',
    '--domain',
    PROXY,
    '--embedded-accounts-file',
    join(folder, 'accounts.toml'),
    '--listen',
    '127.0.0.1:0',
    '--embedded-listen',
    '127.0.0.1:0',
    '--log-level',
    'silent',
    ...args,
  ])
  const { client } = (await serve.event('ready')) as { client: { port: number } }
  const environment = { STREAMHOST_PASSWORD: 'pencil', STREAMHOST_SERVICE: `xmpp://127.0.0.1:${client.port}` }
  return { folder, as: (local) => [['--account', `${local}@localhost`, '--json'], environment] }
}

/** The objects one command has told, by their `event`. */
export const toldBy = (stdout: string): Record<string, Record<string, unknown>> =>
  Object.fromEntries(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .map((facts) => [facts.event, facts]),
  )
