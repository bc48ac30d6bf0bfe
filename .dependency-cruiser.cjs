// Which part of src/ may import which: docs/ARCHITECTURE.md in a form that is checked. `npm run layers` runs it, and
// test/repository/layers.test.ts proves every rule below with a planted violation.

/** The rank of every part. A file imports from its own part or from one of a lower rank, never sideways or up. */
const RANK = {
  core: 0,
  xep: 1,
  socks5: 1,
  native: 1,
  tls: 1,
  nat: 1,
  storage: 1,
  session: 2,
  streamhost: 2,
  policy: 2,
  pubsub: 2,
  component: 3,
  embedded: 3,
  bytestreams: 3,
  'pubsub-client': 3,
  transfer: 4,
  check: 4,
  config: 5,
  feeds: 5,
  http: 6,
  service: 7,
  cli: 8,
  index: 8,
}
/** Parts that are one file; the others are folders. */
const FILES = ['service', 'index']

const parts = Object.keys(RANK)
const pathOf = (part) => (FILES.includes(part) ? `^src/${part}\\.ts$` : `^src/${part}/`)
const notBelow = (from) => parts.filter((to) => to !== from && RANK[to] >= RANK[from])

/** An npm package, whether it is installed or not, types included. */
const npm = (name) => `(^|node_modules/)(${name}|@types/${name.replace('@', '').replace('/', '__')})(/|$)`
const node = (...modules) => `^(node:)?(${modules.join('|')})(/|$)`

const NETWORK = node('net', 'tls', 'dgram', 'dns', 'http', 'https', 'http2')
const FILE_SYSTEM = node('fs')
const PROCESSES = node('child_process', 'cluster', 'worker_threads')

const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to })

module.exports = {
  forbidden: [
    forbid('no-circular', 'Whoever is part of a circle cannot be read alone.', { path: '^src/' }, { circular: true }),
    forbid('every-part-has-a-rank', 'A new part of src/ gets its rank above first.', {}, { path: '^src/', pathNot: parts.map(pathOf) }),
    ...parts.map((from) =>
      forbid(
        `${from}-imports-downward-only`,
        'A file imports from its own part or from one of a lower rank.',
        { path: pathOf(from) },
        { path: notBelow(from).map(pathOf) },
      ),
    ),

    forbid(
      'folders-are-entered-through-their-door',
      'What is not in index.ts of a folder can change without asking anybody.',
      { path: '^src/([^/]+)/' },
      { path: '^src/[^/]+/', pathNot: ['^src/$1/', '^src/[^/]+/index\\.ts$'] },
    ),
    forbid(
      'the-root-uses-doors',
      'service.ts and index.ts are outside of every folder.',
      { path: '^src/[^/]+$' },
      { path: '^src/[^/]+/', pathNot: '^src/[^/]+/index\\.ts$' },
    ),
    forbid(
      'examples-use-the-public-door',
      'An example shows what a user of the package can write.',
      { path: '^examples/' },
      { path: '^src/', pathNot: '^src/index\\.ts$' },
    ),
    forbid('src-knows-no-tests', 'What is published stands alone.', { path: '^src/' }, { path: '^(test|bench|examples|scripts)/' }),

    forbid('xml-is-for-xep', 'One place decides what an element is.', { path: '^src/', pathNot: '^src/xep/' }, { path: npm('@xmpp/xml') }),
    forbid(
      'xmpp-js-is-for-session',
      'Other parts know sessions, not the library below them.',
      { path: '^src/', pathNot: '^src/session/' },
      { path: npm('@xmpp/[^/]+'), pathNot: npm('@xmpp/xml') },
    ),
    forbid('socksv5-is-for-tests', 'It is a peer: it cannot speak this profile of SOCKS5.', { path: '^src/' }, { path: npm('socksv5') }),
    forbid(
      'http-servers-are-for-http',
      'What is answered over HTTP is put together in one place.',
      { path: '^src/', pathNot: '^src/http/' },
      { path: [npm('fastify'), npm('light-my-request'), npm('prom-client')] },
    ),
    forbid(
      'terminals-are-for-cli',
      'A library neither parses arguments nor draws.',
      { path: '^src/', pathNot: '^src/cli/' },
      { path: [npm('commander'), npm('cli-progress'), node('tty', 'readline')] },
    ),

    // What rank alone would allow: core and socks5 know no stanza by theirs, and nobody the sessions beside him.
    ...['streamhost', 'policy', 'pubsub'].map((part) =>
      forbid(`${part}-knows-no-stanza`, 'State takes and gives plain objects.', { path: pathOf(part) }, { path: pathOf('xep') }),
    ),
    forbid('core-knows-no-network', 'Core is words, numbers and waiting.', { path: pathOf('core') }, { path: NETWORK }),
    forbid(
      'xep-does-nothing',
      'It turns XML into plain objects and back, without I/O and timers.',
      { path: pathOf('xep') },
      { path: [NETWORK, FILE_SYSTEM, PROCESSES, node('timers')] },
    ),
    forbid(
      'the-addon-is-loaded-in-one-file',
      'What is not JavaScript comes in through one door: Node would load it by require() only, which has to be made.',
      { path: '^src/', pathNot: ['^src/native/loader\\.ts$', '^src/core/(version|stringprep)\\.ts$', '^src/cli/compiled-code\\.ts$'] },
      { path: ['\\.node$', node('module')] },
    ),
    forbid(
      'native-knows-no-socket',
      'It is handed descriptors and numbers, whoever opened them.',
      { path: pathOf('native') },
      { path: [NETWORK, PROCESSES] },
    ),
    forbid('socks5-knows-no-socket', 'Handshakes are over octets.', { path: pathOf('socks5') }, { path: [NETWORK, FILE_SYSTEM] }),
    forbid('policy-knows-no-socket', 'It is asked with names and numbers.', { path: pathOf('policy') }, { path: NETWORK }),
    forbid('pubsub-knows-no-socket', 'Whom to tell is a value; others tell.', { path: pathOf('pubsub') }, { path: NETWORK }),
    forbid('session-knows-no-file', 'Secrets and certificates come in as values.', { path: pathOf('session') }, { path: FILE_SYSTEM }),
    forbid('selfsigned-is-for-tls', 'One place makes certificates.', { path: '^src/', pathNot: '^src/tls/' }, { path: npm('selfsigned') }),
    forbid(
      'routers-are-asked-in-one-file',
      'What the library does with a mapping is seen to there.',
      { path: '^src/', pathNot: '^src/nat/routers\\.ts$' },
      { path: npm('@achingbrain/[^/]+') },
    ),
    forbid(
      'databases-are-opened-in-one-file',
      'A proxy runs without the driver, which is loaded there when it is wanted.',
      { path: '^src/', pathNot: '^src/storage/driver\\.ts$' },
      { path: [npm('@photostructure/sqlite'), npm('better-sqlite3'), npm('libsql'), node('sqlite')] },
    ),
    forbid('storage-knows-no-socket', 'What it is asked comes in as values.', { path: pathOf('storage') }, { path: NETWORK }),
    forbid('tls-knows-no-file', 'Certificates come in as values.', { path: pathOf('tls') }, { path: FILE_SYSTEM }),
    forbid(
      'bytestreams-know-no-file',
      'A bytestream carries octets, whoever wants them.',
      { path: pathOf('bytestreams') },
      { path: FILE_SYSTEM },
    ),
    forbid(
      'embedded-knows-sessions-only',
      'It is a server like any other: nothing of ours is special to it.',
      { path: pathOf('embedded') },
      { path: ['streamhost', 'policy', 'socks5'].map(pathOf) },
    ),
    forbid('feeds-know-no-socket', 'How files travel is for transfer.', { path: pathOf('feeds') }, { path: NETWORK }),
    forbid('feeds-know-no-file', 'What a file is, and where it goes, is for transfer.', { path: pathOf('feeds') }, { path: FILE_SYSTEM }),
    forbid('config-knows-no-http', 'It collects options.', { path: pathOf('config') }, { path: NETWORK }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage|docs)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  },
}
