import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import { loadAccounts, loadIdentity, loadSecret, reloadableOptions, serveOptions } from '../../config/index.ts'
import { BytestreamError, type Logger } from '../../core/index.ts'
import type { Service } from '../../service.ts'
import { addExamples, addOptions, CommandFailure, configFileOf, type Run, type Start, settingsOf } from '../command-line.ts'
import { EXIT } from '../exit-codes.ts'
import { keepYoungGeneration } from '../young-generation.ts'

/** `streamhost serve`. */
export function addServe(program: Command, start: Start): void {
  const command = program
    .command('serve')
    .description('run the service behind an XMPP server: a SOCKS5 bytestream proxy, publish-subscribe, or both')
    .addHelpText(
      'after',
      `
SIGHUP makes it read again from the file of --config:
${reloadableOptions.join(', ')};
without one it ends serve, and so does closing its terminal.`,
    )
  addExamples(
    command,
    'streamhost serve --domain proxy.example.org --secret-file secret \\',
    '  --advertise proxy.example.org:7777',
    'streamhost serve --config /etc/streamhost/streamhost.toml --http 9477',
    'streamhost serve --domain pubsub.example.org --secret-file secret \\',
    '  --pubsub-only --data /var/lib/streamhost',
    'streamhost serve --embedded --domain proxy.localhost \\',
    '  --embedded-accounts-file accounts.toml',
  )
  addOptions(command, serveOptions).action(() => start(command, (run) => serve(command, run)))
}

async function serve(command: Command, run: Run): Promise<void> {
  const { output, signal, environment, streams } = run
  const settings = settingsOf(command, serveOptions, run)
  if (!settings['pubsub-only']) keepYoungGeneration(environment)
  // The embedded server and the component are in one process: nobody else needs their secret.
  const secret = settings.embedded
    ? randomBytes(24).toString('base64url')
    : loadSecret('secret', { option: 'secret-file', file: settings['secret-file'], variable: 'STREAMHOST_SECRET', environment })
  const ofFeeds = { option: 'feeds-secret-file', file: settings['feeds-secret-file'], variable: 'STREAMHOST_FEEDS_SECRET', environment }
  const hasOwn = !settings.embedded && (ofFeeds.file !== undefined || environment[ofFeeds.variable] !== undefined)
  const feedsSecret = hasOwn ? loadSecret('secret of the feeds', ofFeeds) : undefined
  const accounts = settings['embedded-accounts-file'] === undefined ? [] : loadAccounts(settings['embedded-accounts-file'])
  const tls = loadIdentity(settings['embedded-tls-cert'], settings['embedded-tls-key'])
  // Hardly any other command needs what these bring.
  const { Service: Serving } = await import('../../service.ts')
  const { buildLogger } = await import('../logging.ts')
  const { adopt } = await import('../reload.ts')
  const leveled = buildLogger(streams, { level: settings['log-level'], isPrivate: settings['log-private'] })
  const logger: Logger = leveled
  const service = new Serving({ logger }, { settings, secret, feedsSecret, accounts, tls })
  // Without a file there is nothing to read again, and SIGHUP says that the terminal is gone.
  if (configFileOf(command, run) !== undefined)
    run.onHangUp(() => adopt(() => settingsOf(command, serveOptions, run), { settings, service, leveled }))

  // Whatever ends the process before it is through, the kernel would end what runs as if that were all.
  run.onExit(() => void service.streamhost.close())

  const ended = new Promise<BytestreamError | undefined>((resolve) => service.once('ended', ({ error }) => resolve(error)))
  const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  try {
    await Promise.race([service.start(), stopped])
    if (!signal.aborted) {
      output.tell('ready', { domain: settings.domain, ...factsOf(service) }, sentenceOf(service, settings.domain))
      const error = await Promise.race([ended, stopped])
      if (error) throw error
      if (service.hasProxy) logger.info({ ...service.streamhost.gauges() }, 'stopping: running bytestreams may finish')
      else logger.info({}, 'stopping')
    }
  } catch (thrown) {
    if (!(thrown instanceof BytestreamError)) throw thrown
    throw new CommandFailure(thrown, thrown.code === 'ERR_CONFIG' ? EXIT.usage : EXIT.failed)
  } finally {
    // Running bytestreams need no XMPP: they may finish, whatever ended the rest.
    await service.close()
  }
}

/** What the `ready` event says besides the domain. */
function factsOf({ advertised, clientAddress, accountsDomain, httpAddress, streamhost, hasProxy, pubsubKeeps }: Service) {
  const engine = { engine: streamhost.engine, ...(streamhost.engineReason && { engineReason: streamhost.engineReason }) }
  return {
    ...(hasProxy && { advertised, ...engine }),
    ...(pubsubKeeps && { pubsub: pubsubKeeps }),
    ...(clientAddress && { client: clientAddress, accountsDomain }),
    ...(httpAddress && { http: httpAddress }),
  }
}

function sentenceOf({ advertised, hasProxy, accountsDomain }: Service, domain: string): string {
  const accounts = accountsDomain === undefined ? '' : `; accounts are NAME@${accountsDomain}`
  if (!hasProxy) return `${domain} is ready for publish-subscribe${accounts}`
  return `${domain} is ready; clients are told to connect to ${advertised.map(({ host, port }) => `${host}:${port}`).join(', ')}${accounts}`
}
