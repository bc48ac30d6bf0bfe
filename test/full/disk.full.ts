// Goal: a disk that fills while a file comes ends in a coded error on both sides, and once there is room again the rest is enough.
// Method: the receiver's folder is a file system of its own, of which somebody else takes all the room at 60 % of the file.

import { readdirSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Cli, startCli } from '../helpers/cli.ts'
import { foreign } from '../helpers/foreign.ts'
import { partReaches, partsIn } from '../helpers/part-watch.ts'
import { startServe } from '../helpers/serve.ts'
import { smallDiskNeeds, startSmallDisk } from '../helpers/small-disk.ts'
import { makeFile } from '../helpers/transfers.ts'

const MIB = 2 ** 20
const SIZE = 24 * MIB

const test = foreign('a disk that fills', smallDiskNeeds)

const descriptorsOf = ({ child }: Cli): number => readdirSync(`/proc/${child.pid}/fd`).length

for (const negotiation of ['jingle', 'si'] as const) {
  test.serial(
    `the receiver's disk fills at 60 % of a file that came by ${negotiation}: both sides say so, and its part is kept`,
    async (t) => {
      const disk = await startSmallDisk(t, SIZE + 4 * MIB)
      const serve = await startServe(t, { accounts: ['laptop', 'desk'], args: ['--bytestream-rate-max', '4MiB'] })
      const file = await makeFile(t, SIZE)
      const [desk, environment] = serve.as('desk')
      const receive = startCli(t, ['receive', ...desk, '--into', disk.path, '--from', 'laptop@localhost'], environment, disk)
      await receive.event('ready')
      const before = descriptorsOf(receive)
      const [laptop] = serve.as('laptop')
      const args = ['send', file.path, ...laptop, '--to', 'desk@localhost', '--method', 'proxy', '--negotiation', negotiation]

      const send = startCli(t, args, environment)
      await partReaches(disk.seenFrom, SIZE * 0.6)
      await disk.fill()
      t.like(await receive.event('failed'), { name: 'file.bin', code: 'ERR_DISK_SPACE' })
      const { code, stdout } = await send.ended
      t.is(code, 3)
      const { event, code: said, message } = JSON.parse(stdout.trim().split('\n').at(-1) as string)
      t.deepEqual([event, said], ['error', 'ERR_FILE_TOO_LARGE'])
      t.regex(message, /there is no room for the file$/)
      const [part, ...others] = await partsIn(disk.seenFrom)
      t.deepEqual(others, [])
      t.deepEqual((await readdir(disk.seenFrom)).sort(), [part, `${part}.json`, 'somebody-elses'].sort())
      t.is(descriptorsOf(receive), before)

      await disk.free()
      const again = startCli(t, args, environment)
      t.true(Number((await again.event('resumed'))['offset']) >= SIZE * 0.6)
      const { code: done, stderr } = await again.ended
      t.is(done, 0, stderr)
      t.like(await receive.event('received'), { path: join(disk.path, 'file.bin'), size: SIZE, sha256: file.sha256 })
      t.deepEqual(await readdir(disk.seenFrom), ['file.bin'])
      receive.child.kill('SIGINT')
      t.is((await receive.ended).code, 0)
    },
  )
}
