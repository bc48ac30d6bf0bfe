// Question: what do feeds cost: from an offer to the first octet that arrives, while a queue drains, and what is kept of an announcement
// that waits?
// Method: our service with its database on disk, the embedded server, and all accounts are in this process, and share one processor, so
// that only ratios of one run mean something.
//   kept         1,000 announcements, each for 100 accounts that are away, less the same for subscribers without queues, of whom nothing
//                is kept: octets of the database, and of V8's heap and what it knows of outside, after its collector has run, for each of
//                the 100,000 that wait; then the same where all is in memory. SQLite's cache has a bound of its own, and is left out
//   drain        200 accounts that were away, 50 announcements each: from their presence to the last acknowledgement. The same number of
//                the same messages from a component that keeps, looks up and checks nothing, with as many on their way to each account,
//                acknowledged in the same way. Messages per second, and CPU time of each, of everybody. Median of 3 rounds
//   offer        a file of 1 KiB to 1, 50, 500 accounts that watch, with all defaults: from the offer to the announcement, and to the
//                first octet at the receiver, by accounts (p50, last)
// It takes less than four minutes.
//
//   npm run bench:feeds

import { drain } from './feeds/drain.ts'
import { kept } from './feeds/kept.ts'
import { offer, WALLS } from './feeds/offer.ts'
import { Stage } from './feeds/stage.ts'

await using stage = await Stage.set(['ci', ...WALLS])
await kept(stage.folder)
await drain(stage)
await offer(stage)
