import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import {
  accountOptions,
  allOptions,
  loadAccounts,
  loadSecret,
  loadSettings,
  type Options,
  receiveOptions,
  sendOptions,
  serveOptions,
  unknownVariables,
  variableOf,
} from '../../src/config/index.ts'
import { BytestreamError } from '../../src/core/index.ts'
import { defaultLimits } from '../../src/streamhost/index.ts'

async function makeFile(t: ExecutionContext, content: string, name = 'streamhost.toml'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'streamhost-config-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, name), content)
  return join(folder, name)
}

const all: Options = { ...serveOptions, ...accountOptions, ...sendOptions, ...receiveOptions, service: serveOptions.service }

/** What it takes to be complete. */
const complete = { domain: 'proxy.example.org', account: 'a@b', to: 'a@b', into: '.', from: ['a@b'] }

function load(options: Options, { flags = {}, environment = {}, file }: { flags?: object; environment?: object; file?: string }) {
  const needed = Object.fromEntries(Object.entries(complete).filter(([name]) => name in options))
  return loadSettings(options, {
    flags: { ...needed, ...flags },
    environment: environment as Record<string, string>,
    file,
  }) as Record<string, unknown>
}

interface Kind {
  readonly option: string
  /** As text on the command line and in the environment, and as TOML. */
  readonly given: readonly [text: string, toml: string, value: unknown][]
}

/** One option of every kind of value; each with three values that differ. */
const kinds: readonly Kind[] = [
  {
    option: 'secret-file',
    given: [
      ['one', '"one"', 'one'],
      ['two', '"two"', 'two'],
      ['three', '"three"', 'three'],
    ],
  },
  {
    option: 'embedded',
    given: [
      ['true', 'true', true],
      ['1', '"1"', true],
      ['false', 'false', false],
    ],
  },
  {
    option: 'waiting-max',
    given: [
      ['1', '1', 1],
      ['22', '22', 22],
      ['333', '"333"', 333],
    ],
  },
  {
    option: 'read-ahead-max',
    given: [
      ['64KiB', '"64KiB"', 65_536],
      ['1.5MiB', '"1.5MiB"', 1_572_864],
      ['2GB', '"2GB"', 2e9],
    ],
  },
  {
    option: 'idle-time-max',
    given: [
      ['10ms', '"10ms"', 10],
      ['2m', '"2m"', 120_000],
      ['1d', '"1d"', 86_400_000],
    ],
  },
  {
    option: 'log-level',
    given: [
      ['debug', '"debug"', 'debug'],
      ['warn', '"warn"', 'warn'],
      ['silent', '"silent"', 'silent'],
    ],
  },
  {
    option: 'method',
    given: [
      ['direct', '"direct"', 'direct'],
      ['proxy', '"proxy"', 'proxy'],
      ['auto', '"auto"', 'auto'],
    ],
  },
  {
    option: 'service',
    given: [
      ['xmpp://a:1', '"xmpp://a:1"', { host: 'a', port: 1 }],
      ['xmpp://b', '"xmpp://b"', { host: 'b', port: 5347 }],
      ['xmpp://[::1]:2', '"xmpp://[::1]:2"', { host: '::1', port: 2 }],
    ],
  },
  {
    option: 'http',
    given: [
      ['9477', '9477', { host: '127.0.0.1', port: 9477 }],
      ['[::]:9478', '"[::]:9478"', { host: '::', port: 9478 }],
      [':9479', '9479', { host: '127.0.0.1', port: 9479 }],
    ],
  },
  {
    option: 'embedded-listen',
    given: [
      ['127.0.0.1:1', '"127.0.0.1:1"', { host: '127.0.0.1', port: 1 }],
      ['[::]:0', '"[::]:0"', { host: '::', port: 0 }],
      ['*:65535', '"*:65535"', { host: '*', port: 65_535 }],
    ],
  },
  {
    option: 'listen',
    given: [
      ['a:1', '["a:1"]', [{ host: 'a', port: 1 }]],
      [
        'b:2,c:3',
        '["b:2", "c:3"]',
        [
          { host: 'b', port: 2 },
          { host: 'c', port: 3 },
        ],
      ],
      ['d:4', '"d:4"', [{ host: 'd', port: 4 }]],
    ],
  },
  {
    option: 'advertise',
    given: [
      ['proxy.example.org', '["proxy.example.org"]', [{ host: 'proxy.example.org', port: 0 }]],
      ['a:1', '["a:1"]', [{ host: 'a', port: 1 }]],
      ['[2001:db8::1]', '["[2001:db8::1]"]', [{ host: '2001:db8::1', port: 0 }]],
    ],
  },
  {
    option: 'allow',
    given: [
      ['*', '["*"]', ['*']],
      ['a, b', '["a", "b"]', ['a', 'b']],
      ['c', '"c"', ['c']],
    ],
  },
  {
    option: 'from',
    given: [
      ['A@B', '["A@B"]', ['a@b']],
      ['a@b,c@d', '["a@b", "c@d"]', ['a@b', 'c@d']],
      ['c@d/E', '"c@d/E"', ['c@d/E']],
    ],
  },
  {
    option: 'to',
    given: [
      ['A@B/C', '"A@B/C"', 'a@b/C'],
      ['b', '"b"', 'b'],
      ['x@y', '"x@y"', 'x@y'],
    ],
  },
  {
    option: 'account',
    given: [
      ['A@B', '"A@B"', 'a@b'],
      ['a@b/c', '"a@b/c"', 'a@b/c'],
      ['x@y', '"x@y"', 'x@y'],
    ],
  },
  {
    option: 'domain',
    given: [
      ['Proxy.Example.Org', '"Proxy.Example.Org"', 'proxy.example.org'],
      ['a.b', '"a.b"', 'a.b'],
      ['c', '"c"', 'c'],
    ],
  },
]

/** As commander hands it over: what can be given several times is an array, a switch is `true`. */
const asFlag = (option: string, text: string) => (all[option]?.isList ? text.split(',').map((item) => item.trim()) : text)

for (const { option, given } of kinds) {
  test(`${option}: the flag goes before the environment, the environment before the file, the file before the default`, async (t) => {
    const [[one, , first], [two, , second], [, toml, third]] = given as [Kind['given'][0], Kind['given'][0], Kind['given'][0]]
    const options = { [option]: all[option] } as Options
    const file = await makeFile(t, `${option} = ${toml}\n`)
    const environment = { [variableOf(option)]: two }
    const flags = { [option]: asFlag(option, one) }
    t.deepEqual(load(options, { flags, environment, file })[option], first)
    const fewer = { [option]: undefined }
    t.deepEqual(load(options, { flags: fewer, environment, file })[option], second)
    t.deepEqual(load(options, { flags: fewer, file })[option], third)
    t.deepEqual(
      load(options, { flags: fewer, environment: { [variableOf(option)]: '' }, file })[option],
      third,
      'an empty variable is none',
    )
  })
}

test('what nobody says is the default', (t) => {
  const limits = defaultLimits()
  t.deepEqual(loadSettings(serveOptions, { flags: { domain: 'proxy.example.org' }, environment: {} }), {
    ...{ service: { host: '127.0.0.1', port: 5347 }, domain: 'proxy.example.org', 'secret-file': undefined },
    ...{ listen: [{ host: '*', port: 7777 }], advertise: [], allow: undefined, deny: [] },
    ...{
      http: undefined,
      embedded: false,
      'embedded-listen': { host: '127.0.0.1', port: 5222 },
      'embedded-accounts-file': undefined,
      'embedded-tls-cert': undefined,
      'embedded-tls-key': undefined,
    },
    ...{
      data: undefined,
      'data-max': undefined,
      pubsub: false,
      'pubsub-only': false,
      'feeds-domain': undefined,
      'feeds-secret-file': undefined,
      'pubsub-create': undefined,
      'pubsub-rosters-of': undefined,
      'pubsub-payload-max': 65_536,
    },
    'pubsub-bounce-time-max': 7 * 24 * 3_600_000,
    ...{ 'pubsub-nodes-per-account-max': 1_000, 'pubsub-subscriptions-per-node-max': 1_000_000, 'pubsub-items-per-node-max': 10_000 },
    ...{ 'open-sockets-max': limits.openSocketsMax, 'half-open-max': 4_096, 'waiting-max': 8_192 },
    ...{ 'open-per-source-max': 512, 'half-open-per-source-max': 256, 'read-ahead-max': 64 * 2 ** 20 },
    ...{ 'rate-max': undefined, 'bytestream-rate-max': undefined, 'relay-memory-max': limits.relayMemoryBytesMax, 'relay-threads': 1 },
    ...{ 'handshake-time-max': 10_000, 'waiting-time-max': 120_000, 'idle-time-max': 3_600_000, 'drain-time-max': 30_000 },
    ...{ 'log-level': 'info', 'log-private': false },
  })
})

for (const [name, { description, type }] of Object.entries({ ...serveOptions, ...sendOptions })) {
  const [, told] = /\(default ([^)]*)\)$/.exec(description) ?? []
  if (!told || /[: ]/.test(told.replace(/:\d+$|^xmpp:\/\//g, ''))) continue
  test(`the default ${name} tells of is the one it has`, (t) => {
    t.deepEqual(
      type.parse(name === 'listen' ? [told] : /-max$/.test(name) || !/^\d+$/.test(told) ? told : Number(told)),
      type.parse(undefined),
    )
  })
}

test('each option has a variable of its own', (t) => {
  t.is(variableOf('half-open-per-source-max'), 'STREAMHOST_HALF_OPEN_PER_SOURCE_MAX')
  t.is(new Set(Object.keys(all).map(variableOf)).size, Object.keys(all).length)
})

const wrong = test.macro({
  exec(t: ExecutionContext, option: string, value: unknown, expected: string) {
    const options = { [option]: all[option] } as Options
    const error = t.throws(() => load(options, { flags: { [option]: value } }), { instanceOf: BytestreamError, code: 'ERR_CONFIG' })
    const shown = JSON.stringify(Array.isArray(value) ? value.at(-1) : value)
    t.true(error?.message.startsWith(`--${option}: ${shown} is wrong: expected ${expected}`), error?.message)
  },
  title: (_, option: string, value: unknown) => `--${option} ${JSON.stringify(value)} is wrong, and the error says what is expected`,
})

test(wrong, 'domain', 'a b@c', 'a domain')
test(wrong, 'domain', 'user@example.org', 'a domain')
test(wrong, 'account', 'example.org', 'the JID of an account')
test(wrong, 'to', '@', 'a JID')
test(wrong, 'from', ['a@b', 'a b'], 'a JID')
test(wrong, 'secret-file', '', 'a text that is not empty')
test(wrong, 'embedded', 'perhaps', 'true or false')
for (const value of ['0', '-1', '1.5', 'many', '1e3', '99999999999']) test(wrong, 'waiting-max', value, 'a whole number from 1 on')
for (const value of ['64', '1KiB', '64 KiB!', 'KiB', '-1MiB']) test(wrong, 'read-ahead-max', value, 'a size with its unit')
for (const value of ['30', '0s', '-1s', '25d', 's']) test(wrong, 'idle-time-max', value, 'a time with its unit')
for (const value of ['nonsense', '127.0.0.1', '::1:80', '[::1]', 'a:65536', 'a:b', ':80', 'a b:1'])
  test(wrong, 'listen', [value], 'HOST:PORT')
test(wrong, 'listen', ['127.0.0.1:1', 'nonsense'], 'HOST:PORT')
for (const value of ['', ':', 'a', '65536', ':65536', '::1:80', 'http://a:80']) test(wrong, 'http', value, 'HOST:PORT, :PORT or PORT')
test(wrong, 'http', true, 'HOST:PORT, :PORT or PORT')
for (const value of ['', 'a:b', 'a b', 'xmpp://a']) test(wrong, 'advertise', [value], 'HOST or HOST:PORT')
for (const value of ['127.0.0.1:5347', 'http://a', 'xmpps://a', 'xmpp://', 'xmpp://a:0']) test(wrong, 'service', value, 'xmpp://HOST:PORT')
test(wrong, 'log-level', 'loud', 'debug, info, warn, error or silent')
test(wrong, 'method', 'fax', 'auto, direct, proxy or ibb')
for (const value of ['md5', 'SHA-256', '']) test(wrong, 'hash', [value], 'sha-256, sha3-256, blake2b-512')
for (const value of ['image', 'image/', '/png', '*/png', 'image/p*', 'image/png; x=y']) test(wrong, 'type', [value], 'a media type')
for (const value of ['0', '1', '-1KiB', 'all']) test(wrong, 'file-max', value, 'a size with its unit')

test('of an account the server may be reached by TLS at once (XEP-0368)', (t) => {
  const { service } = loadSettings(accountOptions, { flags: { account: 'a@b', service: 'xmpps://[2001:db8::1]' }, environment: {} })
  t.is(service, 'xmpps://[2001:db8::1]:5223')
})

test('an error names the variable, or the key and the file, when the value came from there', async (t) => {
  const options = { 'waiting-max': serveOptions['waiting-max'] }
  t.throws(() => load(options, { environment: { STREAMHOST_WAITING_MAX: 'many' } }), {
    message: /^STREAMHOST_WAITING_MAX: "many" is wrong: expected/,
  })
  const file = await makeFile(t, 'waiting-max = 0\n')
  t.throws(() => load(options, { file }), { message: `waiting-max in ${file}: 0 is wrong: expected a whole number from 1 on` })
})

test('a wrong value that a better one goes before is not looked at', async (t) => {
  const file = await makeFile(t, 'waiting-max = 0\n')
  t.is(load({ 'waiting-max': serveOptions['waiting-max'] }, { flags: { 'waiting-max': '7' }, file })['waiting-max'], 7)
})

test('what is missing is named, with what is expected', (t) => {
  t.throws(() => loadSettings(serveOptions, { flags: {}, environment: {} }), {
    code: 'ERR_CONFIG',
    message: /^--domain is missing: expected JID/,
  })
})

test('a key the file must not have is named, with those there are', async (t) => {
  const file = await makeFile(t, 'waiting_max = 1\n')
  t.throws(() => load({ 'waiting-max': serveOptions['waiting-max'] }, { file }), {
    code: 'ERR_CONFIG',
    message: `${file}: there is no setting "waiting_max"; there are waiting-max`,
  })
})

test('a file that is no TOML is told with line and column, one that is not there with the reason', async (t) => {
  const file = await makeFile(t, 'waiting-max = 1\nlisten = [\n')
  const error = t.throws(() => load({}, { file }), { code: 'ERR_CONFIG', message: /cannot be read: line \d+, column \d+: / })
  t.false(error?.message.includes('\n'))
  t.throws(() => load({}, { file: `${file}.absent` }), { code: 'ERR_CONFIG', message: /^--config .*absent cannot be read: ENOENT/ })
})

const secretOf = (file: string | undefined, environment: Record<string, string> = {}) =>
  loadSecret('secret', { option: 'secret-file', file, variable: 'STREAMHOST_SECRET', environment })

test('a secret is the first line of its file, whatever follows', async (t) => {
  for (const [content, secret] of [
    ['hush', 'hush'],
    ['hush\n', 'hush'],
    ['hush\r\nmore', 'hush'],
    [' with spaces \n', ' with spaces '],
  ] as const) {
    t.is(secretOf(await makeFile(t, content)), secret)
  }
})

test('the file of a secret goes before its variable, which is enough without', async (t) => {
  t.is(secretOf(await makeFile(t, 'of the file'), { STREAMHOST_SECRET: 'of the environment' }), 'of the file')
  t.is(secretOf(undefined, { STREAMHOST_SECRET: 'of the environment' }), 'of the environment')
})

test('a secret that is missing, empty or cannot be read is said so, and never shown', async (t) => {
  const code = 'ERR_CONFIG'
  t.throws(() => secretOf(undefined), {
    code,
    message: /missing: put it into a file and name it with --secret-file, or set STREAMHOST_SECRET$/,
  })
  t.throws(() => secretOf(undefined, { STREAMHOST_SECRET: '' }), { code, message: /missing/ })
  const empty = await makeFile(t, '\nhush\n')
  const error = t.throws(() => secretOf(empty, { STREAMHOST_SECRET: 'hush' }), { code, message: /is empty; its first line is the secret$/ })
  t.notRegex(error?.message ?? '', /hush/)
  t.throws(() => secretOf(join(empty, '..')), { code, message: /^--secret-file: the secret cannot be read: EISDIR/ })
  t.throws(() => secretOf(`${empty}.absent`, { STREAMHOST_SECRET: 'hush' }), { code, message: /cannot be read: ENOENT/ })
})

test('accounts are names with passwords', async (t) => {
  t.deepEqual(loadAccounts(await makeFile(t, 'laptop = "one"\n"näme" = "two"\n')), [
    { local: 'laptop', password: 'one' },
    { local: 'näme', password: 'two' },
  ])
  t.deepEqual(loadAccounts(await makeFile(t, '')), [])
})

test('an account without a password is named, its file too', async (t) => {
  for (const content of ['laptop = 1', 'laptop = ""', 'laptop = ["one"]']) {
    const file = await makeFile(t, content)
    t.throws(() => loadAccounts(file), {
      code: 'ERR_CONFIG',
      message: `${file}: the password of "laptop" is not a text: write name = "password"`,
    })
  }
})

test('a variable that looks like a setting and is none is found, whatever command the others belong to', (t) => {
  const environment = {
    STREAMHOST_IDEL_TIME_MAX: '1s',
    STREAMHOST_IDLE_TIME_MAX: '1s',
    STREAMHOST_INTO: 'inbox',
    STREAMHOST_NO_NATIVE: '1',
    STREAMHOST_SECRET: 'x',
    IDEL_TIME_MAX: '1s',
  }
  t.deepEqual(unknownVariables(allOptions, environment), ['STREAMHOST_IDEL_TIME_MAX'])
})
