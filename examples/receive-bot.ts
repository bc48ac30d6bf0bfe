// A bot that keeps pictures and says so in a chat: STREAMHOST_PASSWORD=… node --import=tsx examples/receive-bot.ts bot@example.org laptop@example.org album
import { buildMessage, TransferClient } from 'streamhost'

const [jid = '', from = '', into = ''] = process.argv.slice(2)
const { STREAMHOST_PASSWORD: password = '', STREAMHOST_SERVICE: service } = process.env

const bot = await TransferClient.connect({ jid, password, service })
const rules = { names: ['*.jpg', '*.png'], fileBytesMax: 20e6, totalBytesMax: 100e6, hashRequired: true }
const receiver = bot.receive({ into, from: [from], ...rules })
console.log(`${bot.jid} is listening`)
const say = (to: string, body: string) => bot.session.send(buildMessage({ to, type: 'chat', body }))
receiver.on('declined', (offer) => say(offer.from, `I did not take that: ${offer.error.message}.`))
receiver.on('transfer', (transfer) => {
  transfer.on('done', ({ size, verified }) => say(transfer.peer, `I have ${transfer.name}, ${size} octets, verified by its ${verified}.`))
  transfer.on('failed', ({ message }) => say(transfer.peer, `${transfer.name} did not arrive: ${message}.`))
})
