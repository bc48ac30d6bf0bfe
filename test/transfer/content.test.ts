import test, { type ExecutionContext } from 'ava'
import { openBytestream } from '../../src/bytestreams/bytestream.ts'
import { systemClock } from '../../src/core/index.ts'
import { overBytestream } from '../../src/transfer/content.ts'
import { Transfer } from '../../src/transfer/transfer.ts'
import { socketPair } from '../helpers/socket-pair.ts'

// Goal: whoever cancels tells the other side at once, and what is final stays.
// Method: a transfer over a bytestream, in which something is being read or written as long as the test lasts.

async function startMoving(t: ExecutionContext, onMoving: (makeFinal: () => void) => void = () => {}) {
  const { connected } = await socketPair(t, { allowHalfOpen: true })
  const streamhost = { jid: 'a', host: 'b', port: 1 }
  const bytestream = openBytestream(connected, { sid: 'sid', peer: 'a@b/c', method: 'direct', streamhost, dstAddr: '' })
  const said: string[] = []
  const moving = { bytestream, negotiation: 'jingle', giveUp: ({ code }: { readonly code: string }) => void said.push(code) } as const
  const transfer = new Transfer(systemClock, { direction: 'receive', peer: 'a@b/c', name: 'file.bin' }, (it) =>
    overBytestream(it, moving, (makeFinal) => {
      onMoving(makeFinal)
      return new Promise<never>((_, reject) => t.teardown(() => reject(new Error('the test is over'))))
    }),
  )
  return { transfer, bytestream, said }
}

test('who cancels says so as the bytestream breaks, whatever is being read or written', async (t) => {
  const { transfer, bytestream, said } = await startMoving(t)
  t.is(transfer.state, 'moving')
  transfer.cancel()
  t.deepEqual(said, ['ERR_ABORTED'])
  t.is((await bytestream.totals).end, 'reset')
  t.deepEqual(said, ['ERR_ABORTED'], 'once')
})

test('who cancels what is final says nothing, and breaks nothing', async (t) => {
  const { transfer, bytestream, said } = await startMoving(t, (makeFinal) => makeFinal())
  transfer.cancel()
  t.deepEqual(said, [])
  t.false(bytestream.stream.destroyed)
  bytestream.stream.destroy()
})
