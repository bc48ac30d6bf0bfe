import { addressesToldIn } from '../helpers/addresses-told.ts'
import { foreign } from '../helpers/foreign.ts'
import { ejabberd, prosody } from '../helpers/server.ts'
import { moveHome, startTwoNats, type TwoNats, twoNatsNeeds } from '../helpers/two-nats.ts'

// Goal: what test/interop/two-nats.test.ts has of small files behind Prosody holds for large ones, by each negotiation, behind
// ejabberd as well.

const BYTES = 64 * 1024 * 1024

for (const kind of [prosody, ejabberd]) {
  const test = foreign(`two NATs and ${kind.name}`, [...twoNatsNeeds, ...kind.needs])
  let scene: TwoNats

  test.before(`two homes, ${kind.name} and a proxy start`, async () => {
    scene = await startTwoNats(kind)
  })
  test.after.always(`they end, behind ${kind.name}`, () => scene?.[Symbol.asyncDispose]())

  for (const negotiation of ['jingle', 'si']) {
    test.serial(`by ${negotiation} a file goes through the proxy, behind ${kind.name}`, async (t) => {
      const startedMs = performance.now()
      const { opened } = await moveHome(t, scene, { bytes: BYTES, send: ['--negotiation', negotiation] })
      t.log(`sent and received after ${Math.round(performance.now() - startedMs)} ms, with the start of both commands`)
      t.like(opened, { negotiation, method: 'proxy' })
      t.regex(String(opened['reason']), / has reached none of 192\.168\.1\.2/)
    })

    test.serial(`by ${negotiation}, with --method proxy, no address of either home is in any stanza, behind ${kind.name}`, async (t) => {
      const only = ['--method', 'proxy']
      const { opened, stanzas } = await moveHome(t, scene, { send: [...only, '--negotiation', negotiation], receive: only })
      t.like(opened, { negotiation, method: 'proxy' })
      t.deepEqual(addressesToldIn(stanzas, scene.addresses), [])
    })
  }

  test.serial(`with a mapped port a file goes directly, behind ${kind.name}`, async (t) => {
    const { opened } = await moveHome(t, scene, { bytes: BYTES, send: ['--map-port'] })
    t.like(opened, { method: 'direct', host: scene.homes[0].outside })
    await scene.router.settled(0)
  })
}
