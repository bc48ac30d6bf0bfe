// Goal: what has arrived is told to the service once, many together, and nobody waits for what others acknowledge.
// Method: a session whose other side is a script.

import test from 'ava'
import { systemClock } from '../../src/core/index.ts'
import { Acknowledgements } from '../../src/feeds/acknowledgements.ts'
import { scriptSession } from '../helpers/scripted-session.ts'

const SERVICE = 'feeds.example.org'

test('whoever stops waits until its own is told, and not for others that are busy', async (t) => {
  const asked: number[] = []
  let isBusy = true
  const { session } = await scriptSession(t, systemClock, 'wall@example.org/x', ({ payload }) => {
    asked.push(payload.getChildElements().length)
    if (isBusy) acknowledge(busy, 1_000 + asked.length)
    return undefined
  })
  const acknowledgements = new Acknowledgements(session)
  const [busy, stopping] = [acknowledgements.join(), acknowledgements.join()]
  const acknowledge = (watch: typeof busy, id: number) => {
    watch.heard(SERVICE, id)
    watch.done(SERVICE, id)
  }
  acknowledge(busy, 1)
  for (let id = 2; id < 502; id += 1) acknowledge(stopping, id)
  await stopping.told()
  // With what is left goes what the other is done with by then.
  t.deepEqual(asked.slice(0, 2), [256, 246])
  isBusy = false
  await busy.told()
})
