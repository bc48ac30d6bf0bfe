import type { Command } from 'commander'
import type { CheckResult, Verdict } from '../../check/index.ts'
import { accountOptions, checkOptions, loadSecret, type Settings } from '../../config/index.ts'
import { BytestreamError, bareJid, domainOf, formatDuration, orAbort, prepareJid, systemClock } from '../../core/index.ts'
import { type AccountInit, clientConnector, Session } from '../../session/index.ts'
import { accountOf, addExamples, addOptions, CommandFailure, type Run, type Start, settingsOf } from '../command-line.ts'
import { EXIT, exitCodeOf } from '../exit-codes.ts'
import type { Output, TableLine } from '../output.ts'

const options = { ...accountOptions, ...checkOptions }
type CheckSettings = Settings<typeof options>

const EXIT_CODES = `
Exit codes:
  0  no probe failed
  1  a probe failed
  2  wrong usage
  3  the proxy refuses the account
  4  there is no proxy, it does not answer, or none of its streamhosts
     can be reached`

/** `streamhost check [PROXY]`. */
export function addCheck(program: Command, start: Start): void {
  const command = program
    .command('check')
    .argument('[proxy]', "its JID (default: every proxy among the items of the account's server)")
    .description('test a SOCKS5 bytestream proxy, ours or any other, from outside')
    .addHelpText('after', EXIT_CODES)
  addExamples(
    command,
    'streamhost check --account you@example.org --password-file pw',
    'streamhost check proxy.example.org --account you@example.org --json',
  )
  addOptions(command, options).action((proxy: string | undefined) => start(command, (run) => check(proxy, command, run)))
}

/** No other command needs what they bring. Where `using` stands beside it, tsc would leave this path as it is. */
const loadProbes = () => import('../../check/index.ts')

async function check(given: string | undefined, command: Command, run: Run): Promise<void> {
  const { output, signal } = run
  const proxy = given === undefined ? undefined : prepareJid(given)
  const accounts = accountsOf(settingsOf(command, options, run), run)
  const { checkProxy, findProxies } = await loadProbes()
  await using session = await logIn(accounts.account, signal)
  await using peer = await logIn(accounts.peer, signal)
  await using stranger = accounts.stranger && (await logIn(accounts.stranger, signal))
  const proxies = proxy === undefined ? await findProxies(session, { signal }) : [proxy]
  if (proxies.length === 0) throw noProxy(domainOf(session.jid))

  const startedMs = systemClock.now()
  const results: CheckResult[] = []
  for (const jid of proxies) {
    output.tell('proxy', { proxy: jid }, jid)
    for await (const result of checkProxy({ session, peer, stranger }, { proxy: jid, signal })) {
      results.push(result)
      tellResult(output, result)
    }
  }
  tellEnd(output, results, systemClock.now() - startedMs)
  run.endWith(worstOf(proxies.map((jid) => exitCodeOfResults(results.filter((result) => result.proxy === jid)))))
}

/** Whom the check logs in as: the account, its other end, and who should be refused. */
function accountsOf(settings: CheckSettings, run: Run) {
  const account = accountOf(settings, run)
  const other = (name: 'peer' | 'stranger', service?: string): AccountInit | undefined => {
    const jid = settings[name]
    if (jid === undefined) return undefined
    const password = loadSecret(`password of the ${name}`, {
      option: `${name}-password-file`,
      file: settings[`${name}-password-file`],
      variable: `STREAMHOST_${name.toUpperCase()}_PASSWORD`,
      environment: run.environment,
    })
    return { ...account, jid, password, service: service ?? (domainOf(jid) === domainOf(account.jid) ? account.service : undefined) }
  }
  // A resource that is asked for belongs to one login.
  return {
    account,
    peer: other('peer') ?? { ...account, jid: bareJid(account.jid) },
    stranger: other('stranger', settings['stranger-service']),
  }
}

async function logIn(init: AccountInit, signal: AbortSignal): Promise<Session> {
  const session = new Session({}, clientConnector(systemClock, init), { reconnect: 'never' })
  try {
    await orAbort(session.start(), signal)
    return session
  } catch (error) {
    await session.stop()
    throw error
  }
}

function noProxy(domain: string): CommandFailure {
  const message = `${domain} lists no bytestream proxy: name the one to check, or put it among the items of ${domain}`
  return new CommandFailure(new BytestreamError('ERR_NO_STREAMHOST', message), EXIT.absent)
}

/** A failure says more than a refusal, a refusal more than an absence. */
function worstOf(exitCodes: readonly number[]): number {
  const bad = exitCodes.filter((code) => code !== EXIT.done)
  return bad.length > 0 ? Math.min(...bad) : EXIT.done
}

/** The exit code for what was found about one proxy. */
function exitCodeOfResults(results: readonly CheckResult[]): number {
  const failures = results.filter(({ verdict }) => verdict === 'failed')
  if (failures.length === 0) return EXIT.done
  // Whoever has that name does not even say what it is.
  if (failures.some(({ probe, error }) => probe === 'identity' && error)) return EXIT.absent
  const unasked = failures.find(({ probe, error }) => probe === 'address' && error)
  if (unasked?.error) return exitCodeOf(unasked.error)
  const isReached = results.some(({ probe, verdict }) => probe === 'reachable' && verdict === 'passed')
  const isUnreached = failures.some(({ probe }) => probe === 'reachable' || probe === 'resolvable')
  return isUnreached && !isReached ? EXIT.absent : EXIT.failed
}

const words = {
  passed: { word: 'ok', colour: 'green' },
  warning: { word: 'warn', colour: 'yellow' },
  failed: { word: 'FAIL', colour: 'red' },
  skipped: { word: 'skip', colour: 'grey' },
} as const satisfies Record<Verdict, { word: string; colour: TableLine['colour'] }>

const WORD_COLUMNS = 6
const PROBE_COLUMNS = 20
/** A terminal of fewer columns gets no column of its own for what was found. */
const TABLE_COLUMNS_MIN = 72

/** One line, and beneath it what should have been found, and what to do. */
function tellResult(output: Output, result: CheckResult): void {
  const { proxy, probe, section, streamhost, verdict, detail, proves, remedy, error, durationMs } = result
  const { word, colour } = words[verdict]
  const isNarrow = (output.columns ?? TABLE_COLUMNS_MIN) < TABLE_COLUMNS_MIN
  const indent = isNarrow ? 2 + WORD_COLUMNS : 2 + WORD_COLUMNS + PROBE_COLUMNS
  const margin = ' '.repeat(indent)
  const name = isNarrow ? `${probe}: ` : probe.padEnd(PROBE_COLUMNS)
  const lines: TableLine[] = [{ text: `  ${word.padEnd(WORD_COLUMNS)}${name}${detail}`, indent, colour }]
  if (remedy) lines.push({ text: `${margin}Expected (${section}): ${proves}.`, indent }, { text: `${margin}${remedy}`, indent })
  const facts = {
    proxy,
    probe,
    section,
    verdict,
    detail,
    remedy,
    durationMs,
    code: error?.code,
    host: streamhost?.host,
    port: streamhost?.port,
  }
  output.tell('check', facts, ...lines)
}

function tellEnd(output: Output, results: readonly CheckResult[], durationMs: number): void {
  const count = (verdict: Verdict) => results.filter((result) => result.verdict === verdict).length
  const [passed, warnings, failed, skipped] = [count('passed'), count('warning'), count('failed'), count('skipped')]
  output.tell(
    'done',
    { passed, warnings, failed, skipped, durationMs },
    `${passed} passed, ${warnings} warned, ${failed} failed, ${skipped} skipped, in ${formatDuration(durationMs)}`,
  )
}
