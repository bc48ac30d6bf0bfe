// Why: a guide whose commands nobody runs is wrong within a month. Here the commands of the guides in docs/guides are run
// on a fresh Debian each, booted with its own systemd in a container with a network of its own. What a guide installs it
// may fetch; whatever comes after `## 1. Install` has the machine's own addresses and nothing else.
//
// npm run check:guides [-- NAME…]    Debian and root only; needs debootstrap and systemd-nspawn

import { spawnSync } from 'node:child_process'
import { appendFileSync, cpSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { exitOnError, inTemporaryFolder, outerEnvironment, root, run } from './run.js'

const RELEASE = 'bookworm'
/** What a machine has before anybody follows a guide. */
const PACKAGES = ['ca-certificates', 'dbus', 'iproute2', 'systemd-sysv']
/** The domain of the guides, and the address the machine has: one that is for documentation (RFC 5737). */
const DOMAIN = 'example.org'
const ADDRESS = '192.0.2.1'
/** Where the clone is on the machine. */
const CLONE = '/srv/streamhost'
/** What is not in a clone. */
const NOT_COPIED = ['node_modules', '.git', 'build', 'dist', 'coverage', join('docs', 'api')]
/** Seconds a machine has, from boot to the end of the guide. */
const GUIDE_S_MAX = 300

const guides = process.argv.length > 2 ? process.argv.slice(2) : ['prosody', 'ejabberd']

/** @returns the commands of the first section, and those of the others */
function commandsOf(guide) {
  const text = readFileSync(join(root, 'docs', 'guides', `${guide}.md`), 'utf8')
  const [install, ...rest] = text
    .split(/^## /m)
    .slice(1)
    .map((section) => [...section.matchAll(/^```sh\n(.*?)^```/gms)].map(([, lines]) => lines).join(''))
  if (!install || rest.join('') === '') throw new Error(`docs/guides/${guide}.md has no commands`)
  return { install, rest: rest.join('') }
}

const scriptOf = (commands) => `set -euxo pipefail\ncd ${CLONE}\n${commands}`

/** Node and npm, as on a machine where somebody has installed them by hand. */
function installNode(machine) {
  const npm = process.env.npm_execpath
  if (!npm) throw new Error('start it with `npm run check:guides`')
  mkdirSync(join(machine, 'usr/local/lib/node_modules'), { recursive: true })
  cpSync(process.execPath, join(machine, 'usr/local/bin/node'))
  cpSync(dirname(dirname(realpathSync(npm))), join(machine, 'usr/local/lib/node_modules/npm'), { recursive: true })
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(machine, 'usr/local/bin/npm'))
}

/** How this machine reaches its registry, for the time of the installation. */
function registrySettings() {
  const authorities = process.env.NODE_EXTRA_CA_CERTS
  const registry = run('npm', ['config', 'get', 'registry'], { stdio: 'pipe', env: outerEnvironment() }).trim()
  return [
    `--setenv=npm_config_registry=${registry}`,
    ...(authorities ? [`--bind-ro=${authorities}:/run/authorities.pem`, '--setenv=NODE_EXTRA_CA_CERTS=/run/authorities.pem'] : []),
  ]
}

const nspawn = (machine, args) => [
  'systemd-nspawn',
  ['--quiet', '--register=no', '--keep-unit', '--console=pipe', `--directory=${machine}`, ...args],
]

/** The rest of a guide as a unit of the machine's own systemd, which powers off behind it. */
function planGuide(machine, commands) {
  writeFileSync(join(machine, 'srv/guide.sh'), scriptOf(commands))
  writeFileSync(
    join(machine, 'etc/systemd/system/guide.service'),
    `[Unit]
After=multi-user.target
[Service]
Type=oneshot
WorkingDirectory=/srv
Environment=HOME=/srv
ExecStartPre=ip address add ${ADDRESS}/32 dev lo
ExecStart=bash /srv/guide.sh
ExecStopPost=sh -c 'echo "$EXIT_STATUS" > /srv/guide.status; journalctl --no-pager --output=cat --unit=streamhost; systemd-analyze security --no-pager streamhost.service | tail -n 1; systemctl --no-block poweroff'
StandardOutput=append:/srv/guide.log
StandardError=inherit
[Install]
WantedBy=multi-user.target
`,
  )
  run('systemctl', [`--root=${machine}`, 'enable', 'guide.service'], { stdio: 'pipe' })
  appendFileSync(join(machine, 'etc/hosts'), `127.0.0.1 localhost\n${ADDRESS} ${DOMAIN} proxy.${DOMAIN}\n`)
}

function follow(guide, fresh, machine) {
  const { install, rest } = commandsOf(guide)
  console.log(`\n${guide}: installing`)
  run('cp', ['--archive', fresh, machine], { stdio: 'pipe' })
  writeFileSync(join(machine, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  run(...nspawn(machine, [...registrySettings(), 'bash', '-c', scriptOf(install)]))
  run('rm', [join(machine, 'usr/sbin/policy-rc.d')], { stdio: 'pipe' })

  console.log(`\n${guide}: booting, and going on`)
  planGuide(machine, rest)
  const { status, signal } = spawnSync(...nspawn(machine, ['--private-network', '--boot']), {
    stdio: 'inherit',
    timeout: GUIDE_S_MAX * 1000,
  })
  run('cat', [join(machine, 'srv/guide.log')])
  if (status !== 0) throw new Error(`${guide}: the machine ended with ${signal ?? status}`)
  const code = readFileSync(join(machine, 'srv/guide.status'), 'utf8').trim()
  if (code !== '0') throw new Error(`docs/guides/${guide}.md: a command failed (${code})`)
  console.log(`\n${guide}: every command of its guide has worked`)
}

async function main(folder) {
  if (process.getuid?.() !== 0) throw new Error('only root can build and boot a machine')
  const fresh = join(folder, 'fresh')
  run('debootstrap', ['--variant=minbase', `--include=${PACKAGES.join(',')}`, RELEASE, fresh], { stdio: 'pipe' })
  installNode(fresh)
  cpSync(root, join(fresh, CLONE), { recursive: true, filter: (source) => !NOT_COPIED.includes(relative(root, source)) })
  for (const guide of guides) follow(guide, fresh, join(folder, guide))
}

exitOnError('check:guides', inTemporaryFolder(main))
