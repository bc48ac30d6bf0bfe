// A bot that answers a chat message with the file of that name: STREAMHOST_PASSWORD=… node --import=tsx examples/file-bot.ts bot@example.org shelf
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { buildMessage, TransferClient } from 'streamhost'

const [jid = '', shelf = ''] = process.argv.slice(2)
const { STREAMHOST_PASSWORD: password = '', STREAMHOST_SERVICE: service } = process.env

const bot = await TransferClient.connect({ jid, password, service, priority: 1 })
console.log(`${bot.jid} is listening`)
bot.session.on('message', ({ type, from, body }) => {
  if (type === 'error' || !from || !body) return
  const say = (text: string) => bot.session.send(buildMessage({ to: from, type: 'chat', body: text }))
  if (!readdirSync(shelf).includes(body)) return say(`There is: ${readdirSync(shelf).join(', ')}`)
  bot.send(join(shelf, body), { to: from }).done.then(
    () => say('It has arrived.'),
    (error: Error) => say(`It did not arrive: ${error.message}`),
  )
})
