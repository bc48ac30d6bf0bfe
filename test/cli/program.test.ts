import test from 'ava'
import { run } from '../../src/cli/program.ts'
import {
  accountOptions,
  getOptions,
  notifyOptions,
  offerOptions,
  queueOptions,
  receiveOptions,
  sendOptions,
  sendQueueOptions,
  serveOptions,
  watchOptions,
} from '../../src/config/index.ts'
import { version } from '../../src/core/index.ts'
import { TestTerminal } from '../helpers/terminal.ts'

async function call(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const [stdout, stderr] = [new TestTerminal(), new TestTerminal()]
  const code = await run(args, {
    streams: { stdout, stderr },
    environment,
    signal: new AbortController().signal,
    onHangUp: () => {},
    onExit: () => {},
  })
  return { code, stdout: stdout.written, stderr: stderr.written }
}

for (const [what, args, message] of [
  ['an unknown command', ['sned'], "unknown command 'sned' (Did you mean send?)"],
  ['a name that every object has', ['constructor'], "unknown command 'constructor'"],
  ['an unknown option', ['send', '--acount', 'a@b', 'file'], "unknown option '--acount' (Did you mean --account?)"],
  ['a missing argument', ['queue', 'priority'], "missing required argument 'number'"],
  ['an option without its value', ['serve', '--domain'], "option '--domain <JID>' argument missing"],
  ['an argument too many', ['serve', 'now'], 'too many arguments for '],
] as const) {
  test(`${what} is one line on stderr, exit code 2`, async (t) => {
    const { code, stdout, stderr } = await call(args)
    t.is(code, 2)
    t.is(stdout, '')
    t.true(stderr.startsWith(`streamhost: ${message}`), stderr)
    t.true(stderr.endsWith(' (--help tells what there is)\n'))
    t.is(stderr.split('\n').length, 2)
  })
}

test('without a command the help is shown, exit code 2', async (t) => {
  const { code, stdout, stderr } = await call([])
  t.is(code, 2)
  t.is(stdout, '')
  t.true(stderr.startsWith('Usage: streamhost '))
})

test('--version tells the version', async (t) => {
  t.deepEqual(await call(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' })
})

test('--help tells the commands and the exit codes, on stdout', async (t) => {
  const { code, stdout, stderr } = await call(['--help'])
  t.deepEqual([code, stderr], [0, ''])
  for (const word of ['serve', 'demo', 'send', 'receive', 'offer', 'watch', 'get', 'disco', 'pubsub', '3  refused by the other side'])
    t.true(stdout.includes(word), word)
})

const pubsubCommands = [
  ...['nodes', 'create', 'configure', 'delete', 'publish', 'items', 'retract'],
  ...['subscribe', 'unsubscribe', 'options', 'subscriptions', 'affiliations'],
]

for (const [command, options] of [
  ['serve', serveOptions],
  ['send', { ...accountOptions, ...sendOptions, ...sendQueueOptions }],
  ['queue list', queueOptions],
  ['queue cancel', queueOptions],
  ['receive', { ...accountOptions, ...receiveOptions }],
  ['offer', { ...accountOptions, ...offerOptions }],
  ['watch', { ...accountOptions, ...watchOptions }],
  ['get', { ...accountOptions, ...getOptions }],
  ['notify', { ...accountOptions, ...notifyOptions }],
  ['disco info', accountOptions],
  ['disco items', accountOptions],
  ['disco all', accountOptions],
  ...pubsubCommands.map((name) => [`pubsub ${name}`, accountOptions] as const),
] as const) {
  test(`${command} --help tells every option, and which are required`, async (t) => {
    const { code, stdout } = await call([...command.split(' '), '--help'])
    t.is(code, 0)
    for (const [name, { type, placeholder }] of Object.entries(options)) {
      t.true(stdout.includes(placeholder ? `--${name} <${placeholder}>` : `--${name} `), name)
      if (type.safeParse(undefined).success) continue
      const [, text = ''] = new RegExp(`--${name} <(.*?)\\n  --`, 's').exec(stdout) ?? []
      t.regex(text.replaceAll(/\s+/g, ' '), /\(required\)$/, name)
    }
    for (const name of ['--config <FILE>', '--json', '-h, --help']) t.true(stdout.includes(name), name)
    t.true(stdout.split('\n').every((line) => line.length <= 80))
  })
}

test('with --json an error is an object on stdout too, and no secret is in it', async (t) => {
  const { code, stdout, stderr } = await call(['send', '--json', '--account', 'a b', '--to', 'b@c', 'file'], {
    STREAMHOST_PASSWORD: 'hush',
  })
  t.is(code, 2)
  t.like(JSON.parse(stdout), { event: 'error', code: 'ERR_CONFIG' })
  t.regex(stderr, /^streamhost: --account: "a b" is wrong: /)
  t.notRegex(stdout + stderr, /hush/)
})

for (const method of ['direct', 'ibb']) {
  test(`send --method ${method} with a proxy, which it would not use, is exit code 2 before anybody is asked`, async (t) => {
    const args = ['send', '--account', 'a@b', '--to', 'c@d', '--method', method, '--proxy', 'proxy.b', 'file']
    const { code, stderr } = await call(args, { STREAMHOST_PASSWORD: 'hush' })
    t.is(code, 2)
    t.is(stderr, `streamhost: the method ${method} uses no proxy: name none, or take the method proxy or auto\n`)
  })
}

test('a demo of a file that is not there is exit code 1, one of a size that is none 2', async (t) => {
  const absent = await call(['demo', 'does/not/exist'])
  t.is(absent.code, 1)
  t.regex(absent.stderr, /^streamhost: does\/not\/exist cannot be read: ENOENT/)
  const odd = await call(['demo', '--size', 'large'])
  t.is(odd.code, 2)
  t.regex(odd.stderr, /^streamhost: .*expected a number with a unit/)
})

test('a demo of a small file tells its steps, and that both ends agree', async (t) => {
  const { code, stdout, stderr } = await call(['demo', '--size', '64KiB'])
  t.deepEqual([code, stderr], [0, ''])
  t.deepEqual(
    stdout.match(/^ ?\d+\./gm)?.map(Number),
    Array.from({ length: 11 }, (_, index) => index + 1),
  )
  t.regex(stdout, /XEP-0065 §6\.3\.5/)
  t.regex(stdout, /they agree/i)
})

for (const command of [
  'serve',
  'demo',
  'send',
  'receive',
  'offer',
  'watch',
  'get',
  'notify',
  'disco info',
  'disco items',
  'check',
  'completion',
  ...pubsubCommands.map((name) => `pubsub ${name}`),
]) {
  test(`${command} --help shows examples, with options it has, within 80 columns`, async (t) => {
    const { stdout } = await call([...command.split(' '), '--help'])
    const [help = '', examples = ''] = stdout.split('\nExamples:\n')
    t.regex(examples, new RegExp(`^ {2}(source <\\()?streamhost ${command}`))
    for (const [option] of examples.matchAll(/--[a-z-]+/g)) t.true(help.includes(`${option} `), option)
    t.true(stdout.split('\n').every((line) => line.length <= 80))
  })
}
