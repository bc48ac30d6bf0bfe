// Goal: every rule of .dependency-cruiser.cjs forbids what it says, and nothing beside it; our own tree keeps them all.
// Method: a tree outside of the repository, in which each file breaks one rule in one way, is cruised once with the
// same rules; what fires is compared, file by file, with what should.

import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test from 'ava'
import { cruise, type IConfiguration, type ICruiseResult } from 'dependency-cruiser'
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config'

const root = join(import.meta.dirname, '..', '..')
const config = createRequire(import.meta.url)(join(root, '.dependency-cruiser.cjs')) as IConfiguration

/** Parts of src/ by rank, as docs/ARCHITECTURE.md has them: written again here, so that a slip in the rules shows. */
const ranks: readonly (readonly string[])[] = [
  ['core'],
  ['xep', 'socks5', 'native', 'tls', 'nat', 'storage'],
  ['session', 'streamhost', 'policy', 'pubsub'],
  ['component', 'embedded', 'bytestreams', 'pubsub-client'],
  ['transfer', 'check'],
  ['config', 'feeds'],
  ['http'],
  ['service'],
  ['cli', 'index'],
]
const rankOf = (part: string): number => ranks.findIndex((parts) => parts.includes(part))
const parts = ranks.flat()
const isFile = (part: string): boolean => part === 'service' || part === 'index'
const doorOf = (part: string): string => (isFile(part) ? `src/${part}.ts` : `src/${part}/index.ts`)

/** A file that breaks `rule`, unless `rule` is missing: then it is the other side, which no rule forbids. */
interface Plant {
  readonly path: string
  readonly imports: readonly string[]
  readonly rule?: string
}

/** Pairs that rank allows, and a rule of their own forbids. */
const belowAndForbidden = ['streamhost xep', 'policy xep', 'pubsub xep', 'embedded streamhost', 'embedded policy', 'embedded socks5']

/** `service.ts` and `index.ts` cannot be planted beside themselves: a file of their own stands for what they import. */
function plantsByRank(): Plant[] {
  const folders = parts.filter((part) => !isFile(part))
  return folders.flatMap((from) =>
    parts
      .filter((to) => to !== from && !belowAndForbidden.includes(`${from} ${to}`))
      .map((to) => ({
        path: `src/${from}/imports-${to}.ts`,
        imports: [`/${doorOf(to)}`],
        ...(rankOf(to) >= rankOf(from) && { rule: `${from}-imports-downward-only` }),
      })),
  )
}

const forbidden: Plant[] = [
  { path: 'src/core/circle.ts', imports: ['/src/core/other-half.ts'], rule: 'no-circular' },
  // A circle is told once, at the first of its files.
  { path: 'src/core/other-half.ts', imports: ['/src/core/circle.ts'] },
  { path: 'src/core/rankless.ts', imports: ['/src/novelty/index.ts'], rule: 'every-part-has-a-rank' },
  { path: 'src/service.ts', imports: ['/src/cli/index.ts'], rule: 'service-imports-downward-only' },
  { path: 'src/index.ts', imports: ['/src/cli/index.ts'], rule: 'index-imports-downward-only' },
  { path: 'src/index.ts', imports: ['/src/core/inside.ts'], rule: 'the-root-uses-doors' },
  { path: 'src/transfer/window.ts', imports: ['/src/core/inside.ts'], rule: 'folders-are-entered-through-their-door' },
  { path: 'src/transfer/deep/window.ts', imports: ['/src/core/inside.ts'], rule: 'folders-are-entered-through-their-door' },
  { path: 'examples/inside.ts', imports: ['/src/core/index.ts'], rule: 'examples-use-the-public-door' },
  { path: 'src/core/tested.ts', imports: ['/test/helper.ts'], rule: 'src-knows-no-tests' },
  { path: 'src/session/xml.ts', imports: ['@xmpp/xml'], rule: 'xml-is-for-xep' },
  { path: 'src/session/xml-deep.ts', imports: ['@xmpp/xml/lib/parse.js'], rule: 'xml-is-for-xep' },
  { path: 'src/xep/client.ts', imports: ['@xmpp/client'], rule: 'xmpp-js-is-for-session' },
  { path: 'src/service.ts', imports: ['@xmpp/connection-tcp'], rule: 'xmpp-js-is-for-session' },
  { path: 'src/socks5/peer.ts', imports: ['socksv5'], rule: 'socksv5-is-for-tests' },
  ...['fastify', 'prom-client'].map((module) => ({
    path: `src/config/${module}.ts`,
    imports: [module],
    rule: 'http-servers-are-for-http',
  })),
  ...['commander', 'cli-progress', 'node:tty', 'node:readline'].map((module) => ({
    path: `src/config/${module.replace(':', '-')}.ts`,
    imports: [module],
    rule: 'terminals-are-for-cli',
  })),
  { path: 'src/streamhost/stanza.ts', imports: ['/src/xep/index.ts'], rule: 'streamhost-knows-no-stanza' },
  { path: 'src/policy/stanza.ts', imports: ['/src/xep/index.ts'], rule: 'policy-knows-no-stanza' },
  { path: 'src/pubsub/stanza.ts', imports: ['/src/xep/index.ts'], rule: 'pubsub-knows-no-stanza' },
  { path: 'src/core/network.ts', imports: ['node:net'], rule: 'core-knows-no-network' },
  ...['node:net', 'node:fs', 'node:fs/promises', 'node:child_process', 'node:timers/promises'].map((module) => ({
    path: `src/xep/${module.replace(/\W/g, '-')}.ts`,
    imports: [module],
    rule: 'xep-does-nothing',
  })),
  { path: 'src/streamhost/addon.ts', imports: ['/build/relay.node'], rule: 'the-addon-is-loaded-in-one-file' },
  { path: 'src/native/require.ts', imports: ['node:module'], rule: 'the-addon-is-loaded-in-one-file' },
  { path: 'src/native/socket.ts', imports: ['node:net'], rule: 'native-knows-no-socket' },
  { path: 'src/socks5/socket.ts', imports: ['net'], rule: 'socks5-knows-no-socket' },
  { path: 'src/policy/socket.ts', imports: ['node:tls'], rule: 'policy-knows-no-socket' },
  { path: 'src/pubsub/socket.ts', imports: ['node:net'], rule: 'pubsub-knows-no-socket' },
  { path: 'src/session/file.ts', imports: ['node:fs/promises'], rule: 'session-knows-no-file' },
  { path: 'src/embedded/certificate.ts', imports: ['selfsigned'], rule: 'selfsigned-is-for-tls' },
  { path: 'src/nat/second.ts', imports: ['@achingbrain/nat-port-mapper'], rule: 'routers-are-asked-in-one-file' },
  ...['@photostructure/sqlite', 'better-sqlite3', 'libsql', 'node:sqlite'].map((module) => ({
    path: `src/storage/second-${module.replace(/\W/g, '-')}.ts`,
    imports: [module],
    rule: 'databases-are-opened-in-one-file',
  })),
  { path: 'src/storage/socket.ts', imports: ['node:net'], rule: 'storage-knows-no-socket' },
  { path: 'src/tls/file.ts', imports: ['node:fs'], rule: 'tls-knows-no-file' },
  { path: 'src/bytestreams/file.ts', imports: ['node:fs'], rule: 'bytestreams-know-no-file' },
  ...['streamhost', 'policy', 'socks5'].map((to) => ({
    path: `src/embedded/${to}.ts`,
    imports: [`/src/${to}/index.ts`],
    rule: 'embedded-knows-sessions-only',
  })),
  { path: 'src/config/http.ts', imports: ['node:http'], rule: 'config-knows-no-http' },
  { path: 'src/feeds/socket.ts', imports: ['node:net'], rule: 'feeds-know-no-socket' },
  { path: 'src/feeds/file.ts', imports: ['node:fs/promises'], rule: 'feeds-know-no-file' },
]

const allowed: Plant[] = [
  ...['core', 'transfer', 'cli'].map((part) => ({ path: `src/${part}/own.ts`, imports: [`/src/${part}/inside.ts`] })),
  { path: 'src/transfer/deep/own.ts', imports: ['/src/transfer/inside.ts', '/src/core/index.ts'] },
  { path: 'src/index.ts', imports: ['/src/service.ts', '/src/core/index.ts'] },
  { path: 'src/service.ts', imports: ['/src/config/index.ts', '/src/core/index.ts', 'node:net', 'pino'] },
  { path: 'src/xep/xml.ts', imports: ['@xmpp/xml', 'node:crypto'] },
  { path: 'src/tls/socket.ts', imports: ['node:tls', 'node:net', 'selfsigned'] },
  { path: 'src/session/client.ts', imports: ['@xmpp/client', 'node:net'] },
  { path: 'src/nat/routers.ts', imports: ['@achingbrain/nat-port-mapper'] },
  { path: 'src/storage/driver.ts', imports: ['@photostructure/sqlite', 'node:fs'] },
  { path: 'src/cli/terminal.ts', imports: ['commander', 'cli-progress', 'node:tty'] },
  { path: 'src/http/server.ts', imports: ['fastify', 'prom-client', 'node:http'] },
  { path: 'src/native/loader.ts', imports: ['node:module', 'node:fs', '/build/relay.node'] },
  { path: 'src/core/version.ts', imports: ['node:module'] },
  { path: 'src/streamhost/listener.ts', imports: ['node:net', '/src/socks5/index.ts'] },
  { path: 'src/transfer/file.ts', imports: ['node:fs'] },
  { path: 'test/inside.ts', imports: ['/src/core/inside.ts', 'socksv5', '@xmpp/xml', '/src/cli/index.ts'] },
  { path: 'examples/outside.ts', imports: ['/src/index.ts'] },
]

/** What a folder needs before others can import it. */
const scenery: Plant[] = [
  ...['novelty', ...parts].filter((part) => !isFile(part)).map((part) => ({ path: `src/${part}/index.ts`, imports: [] })),
  ...['core', 'transfer', 'cli'].map((part) => ({ path: `src/${part}/inside.ts`, imports: [] })),
  { path: 'test/helper.ts', imports: [] },
  { path: 'build/relay.node', imports: [] },
]

const plants = [...plantsByRank(), ...forbidden, ...allowed, ...scenery]

/** `/src/…` is relative to `folder`; whatever else is a package. */
function plantAll(folder: string): void {
  const files = new Map<string, Set<string>>()
  for (const { path, imports } of plants) {
    const all = files.get(path) ?? new Set()
    for (const name of imports) all.add(name)
    files.set(path, all)
  }
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { module: 'nodenext', allowImportingTsExtensions: true } }),
  )
  for (const [path, imports] of files) {
    const up = '../'.repeat(path.split('/').length - 1).replace(/\/$/, '')
    mkdirSync(join(folder, dirname(path)), { recursive: true })
    const lines = [...imports].map((name) => `import '${name.startsWith('/') ? `${up}${name}` : name}'`)
    writeFileSync(join(folder, path), `${lines.join('\n')}\nexport {}\n`)
  }
}

async function cruiseIn(baseDir: string, folders: string[]): Promise<ICruiseResult> {
  const { output } = await cruise(
    folders,
    { ...config.options, ruleSet: { forbidden: config.forbidden ?? [] }, validate: true, baseDir, tsConfig: {} },
    config.options?.enhancedResolveOptions ?? {},
    { tsConfig: extractTSConfig(join(baseDir, 'tsconfig.json')) },
  )
  if (typeof output === 'string') throw new TypeError('the cruiser reports, although no reporter was asked for')
  return output
}

const violationsOf = ({ summary }: ICruiseResult): Set<string> =>
  new Set(summary.violations.map(({ rule, from }) => `${from}: ${rule.name}`))

test('every rule of the layers has a planted violation', (t) => {
  const rules = (config.forbidden ?? []).map((rule) => rule.name ?? '')
  const proven = new Set(plants.map(({ rule }) => rule))
  t.deepEqual(
    rules.filter((rule) => !proven.has(rule)),
    [],
  )
  t.is(new Set(rules).size, rules.length)
})

test('each planted violation breaks its own rule and no other, and what is allowed breaks none', async (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'streamhost-layers-')))
  t.teardown(() => rmSync(folder, { recursive: true }))
  plantAll(folder)
  const expected = new Set(plants.flatMap(({ path, rule }) => (rule === undefined ? [] : [`${path}: ${rule}`])))
  const fired = violationsOf(await cruiseIn(folder, ['src', 'test', 'examples']))
  const silent = [...expected].filter((violation) => !fired.has(violation))
  const unexpected = [...fired].filter((violation) => !expected.has(violation))
  t.deepEqual({ silent, unexpected }, { silent: [], unexpected: [] })
})

test('our own tree keeps every rule', async (t) => {
  t.deepEqual([...violationsOf(await cruiseIn(root, ['src', 'test', 'bench', 'examples']))], [])
})
