// Sends a file, shows how far it is, and gives up after ten minutes: STREAMHOST_PASSWORD=… node --import=tsx examples/progress.ts laptop@example.org desk@example.org film.mp4
import { TransferClient } from 'streamhost'

const [jid = '', to = '', path = ''] = process.argv.slice(2)
const { STREAMHOST_PASSWORD: password = '', STREAMHOST_SERVICE: service } = process.env

await using client = await TransferClient.connect({ jid, password, service })
const transfer = client.send(path, { to, signal: AbortSignal.timeout(600_000) })
transfer.on('state', (state) => console.log(`${path}: ${state}`))
transfer.on('opened', ({ method, streamhost }) => console.log(`it goes ${method}${streamhost ? ` by ${streamhost.jid}` : ''}`))
for await (const { bytes, size, bytesPerSecond } of transfer.progress()) {
  const left = bytesPerSecond > 0 ? `, ${Math.ceil((size - bytes) / bytesPerSecond)} s left` : ''
  if (bytes > 0) console.log(`${Math.floor((100 * bytes) / Math.max(1, size))} %${left}`)
}
const { durationMs, confirmed } = await transfer.done
console.log(`100 % in ${Math.round(durationMs)} ms${confirmed ? '' : ', not confirmed'}`)
