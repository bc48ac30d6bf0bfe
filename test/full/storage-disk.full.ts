// Goal: on a disk that is full whoever writes hears so, what was settled stays, and service goes on when there is room again.
// Method: a database on a file system of its own, of which somebody else takes all the room.

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import type { ExecutionContext } from 'ava'
import { foreign } from '../helpers/foreign.ts'
import { ourProgram } from '../helpers/our-programs.ts'
import { type SmallDisk, smallDiskNeeds, startSmallDisk } from '../helpers/small-disk.ts'

const MIB = 2 ** 20

const test = foreign('a database on a disk that fills', smallDiskNeeds)

function startNotes(t: ExecutionContext, disk: SmallDisk) {
  const [program, args] = disk.command(process.execPath, [...ourProgram('test/helpers/notes-child.ts'), join(disk.path, 'data')])
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(program, [...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const heard = async () => `${(await lines.next()).value}`
  return {
    heard,
    write(bytes: number): Promise<string> {
      child.stdin.write(`${bytes}\n`)
      return heard()
    },
    async end(): Promise<void> {
      child.stdin.end()
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}

test('a disk that fills costs what does not fit, and nothing else', async (t) => {
  const disk = await startSmallDisk(t, 48 * MIB)
  const first = startNotes(t, disk)
  t.is(await first.heard(), 'open 0')
  t.is(await first.write(1000), 'settled 1')
  await disk.fill()
  t.is(await first.write(30 * MIB), 'ERR_STORAGE_FULL 1')
  t.is(await first.write(1000), 'settled 2')
  await disk.free()
  t.is(await first.write(10 * MIB), 'settled 3')
  await first.end()
  const again = startNotes(t, disk)
  t.is(await again.heard(), 'open 3')
  await again.end()
})

test('without room for its log a database is not opened', async (t) => {
  const disk = await startSmallDisk(t, 8 * MIB)
  const child = startNotes(t, disk)
  t.is(await child.heard(), 'ERR_STORAGE_FULL')
  await child.end()
})
