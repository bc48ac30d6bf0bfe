// Goal: whoever asks for the native relay gets it, or hears why there is none here, in words for an admin.

import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { loadNativeRelay } from '../../src/native/index.ts'
import { nativeSuite } from '../helpers/native.ts'

const LINUX = { platform: 'linux', arch: process.arch }
const BUILT = join(import.meta.dirname, '..', '..', 'build', 'streamhost-relay.node')
const FILE = 'streamhost-relay.node'

/** What a package has, by path; `undefined` is the addon itself. */
function packageWith(t: ExecutionContext, files: Readonly<Record<string, string | undefined>>): { folder: string } {
  const folder = `${mkdtempSync(join(tmpdir(), 'streamhost-loader-'))}/`
  t.teardown(() => rmSync(folder, { recursive: true }))
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    if (content === undefined) copyFileSync(BUILT, join(folder, path))
    else writeFileSync(join(folder, path), content)
  }
  return { folder }
}

const reasonOf = (t: ExecutionContext, files: Readonly<Record<string, string>>, place = LINUX, environment = {}) => {
  const result = loadNativeRelay(environment, { ...packageWith(t, files), ...place })
  return 'reason' in result ? result.reason : undefined
}

test('what STREAMHOST_NO_NATIVE says goes before what there is', (t) => {
  t.is(reasonOf(t, {}, LINUX, { STREAMHOST_NO_NATIVE: '1' }), 'STREAMHOST_NO_NATIVE is set')
  t.is(reasonOf(t, { 'build/native.json': '{"reason":"x"}' }, LINUX, { STREAMHOST_NO_NATIVE: '' }), 'it was not built: x')
})

test('there is none for other systems than Linux', (t) => {
  t.is(reasonOf(t, {}, { ...LINUX, platform: 'darwin' }), 'there is none for darwin')
})

test('why it was not built, the install script has left; otherwise that was not run', (t) => {
  t.is(reasonOf(t, { 'build/native.json': '{"reason":"no C compiler (cc) was found"}' }), 'it was not built: no C compiler (cc) was found')
  for (const files of [{}, { 'build/native.json': '' }, { 'build/native.json': '{}' }, { 'build/native.json': 'null' }]) {
    t.is(reasonOf(t, files), 'it was not built: install scripts were not run')
  }
})

test('what cannot be loaded is said in the words of the system, without the path of the package', (t) => {
  const reason = reasonOf(t, { [`build/${FILE}`]: 'no program' }) ?? ''
  t.regex(reason, /^it could not be loaded: build\/streamhost-relay\.node: [^/\n]+$/)
})

const native = nativeSuite('loading the native relay')

native('the one that was built is found from the sources, whatever the environment leaves unsaid', (t) => {
  t.true('start' in loadNativeRelay({}))
})

native('one that came with the package goes before one that was built, and is done without where it cannot be loaded', (t) => {
  const libc = (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header.glibcVersionRuntime ? '' : '-musl'
  const prebuilt = `prebuilds/linux-${process.arch}${libc}/${FILE}`
  const load = (files: Readonly<Record<string, string | undefined>>) => loadNativeRelay({}, { ...packageWith(t, files), ...LINUX })
  t.true('start' in load({ [prebuilt]: undefined, [`build/${FILE}`]: 'no program' }))
  t.true('start' in load({ [prebuilt]: 'no program', [`build/${FILE}`]: undefined }))
  t.true('start' in load({ [`prebuilds/linux-sparc/${FILE}`]: 'no program', [`build/${FILE}`]: undefined }))
  const neither = load({ [prebuilt]: 'no program', [`build/${FILE}`]: 'nor this' })
  t.regex('reason' in neither ? neither.reason : '', /^it could not be loaded: prebuilds\/[^;]+; build\/[^;]+$/)
})
