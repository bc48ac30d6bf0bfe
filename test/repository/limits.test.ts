// Goal: docs/LIMITS.md has every fixed limit of the code, with the number it has there.
// Method: constants are found by their names, fields by the objects of defaults; each has its row in a table.

import test from 'ava'
import { defaultTimings } from '../../src/bytestreams/index.ts'
import { defaultCheckTimings } from '../../src/check/index.ts'
import { formatBytes, formatDuration } from '../../src/core/index.ts'
import { embeddedLimits } from '../../src/embedded/limits.ts'
import { httpLimits } from '../../src/http/limits.ts'
import { pubsubLimits } from '../../src/pubsub/index.ts'
import { readRepositoryFile, repositoryFiles } from '../helpers/repository-files.ts'

/** Where each constant stands: the beginning of its row. */
const rowOf: Readonly<Record<string, string>> = {
  'component/feeds/consumer-abilities ANSWER_MS_MAX': 'for a device, or a server, to say',
  'component/feeds/consumer-abilities KNOWN_MAX': 'answers about what devices can',
  'component/feeds/consumer-abilities PROGRAMS_MAX': 'devices that are remembered to be programs',
  'component/feeds/consumer-abilities SERVERS_MAX': 'servers of which it is kept',
  'component/feeds/consumer-abilities SERVER_MS': 'that is kept',
  'component/feeds/consumers ATTEMPTS_AT_ONE_MAX': 'times one device gets',
  'component/feeds/deliveries MET_MAX': 'accounts of which it is remembered that what another process',
  'component/feeds/deliveries PIECE_MS_MAX': 'time for the making of a piece of messages',
  'component/feeds/full-lanes LOOK_MS': 'until it is looked whether what an account',
  'component/feeds/keeping PAUSE_MS': 'until it is tried again to hand over',
  'component/feeds/settling SLEEP_MS_MAX': 'until it is looked again what is due',
  'component/feeds/settling LATE_ERROR_MS_MAX': 'for that error',
  'component/feeds/delivery-forms FORMS_MAX': 'messages whose forms are kept',
  'component/feeds/feed-commands SHOWN_MAX': 'messages that are shown at once to be acknowledged',
  'component/feeds/hand-over LATE_MS': 'from when on a message comes late',
  'component/feeds/hand-over ACKNOWLEDGEMENT_MS': 'for an acknowledgement of a program',
  'component/feeds/hand-over ACKNOWLEDGEMENT_MS_MAX': 'for an acknowledgement, however often',
  'component/feeds/hand-over RECEIPT_MS_MAX': 'for a receipt',
  'component/feeds/hand-over ERROR_MS_MAX': 'for an error from who',
  'config/options DRAIN_MS_MAX': 'time to finish after SIGTERM',
  'config/values PAYLOAD_BYTES_MAX': 'what `--pubsub-payload-max` can be',
  'core/content-buffers LARGE_PAIRS_MAX': 'files that pass through buffers of 1 MiB',
  'core/log-ration REPEAT_MS': 'log lines for one reason',
  'core/rate-queue TICK_MS': 'until what waits for a rate',
  'core/token-bucket BURST_MS': 'octets that pass at once under a rate',
  'streamhost/relay/read-buffers LARGE_BUFFERS_BYTES_MAX': 'memory of reads of 256 KiB',
  'streamhost/relay/socket-memory LOOK_MS': 'until it is noticed that TCP takes more',
  'streamhost/relay/socket-memory MEMORY_BYTES_MAX': 'memory TCP takes of the machine',
  'streamhost/limits RESERVE_MAX': 'descriptors left for everything',
  'streamhost/listener LINGER_MS': 'time a refused socket has to close',
  'streamhost/ports BACKLOG': 'connections the kernel holds',
  'streamhost/ports PORT_TRIES': 'free ports tried',
  'core/jid PART_BYTES_MAX': 'each part of a JID',
  'session/iq-requests ANSWER_MS_MAX': 'questions waiting for an answer',
  'session/iq-requests OUTSTANDING_MAX': 'questions waiting for an answer',
  'session/xml-stream BACKLOG_BYTES_MAX': 'octets a peer leaves unread on an XML stream',
  'session/xml-stream CLOSE_MS_MAX': 'time the other side has to read the rest',
  'session/component-connection ADDRESS_MS_MAX': "one address of a component's server",
  'session/component-connection LOGIN_MS_MAX': 'time for a component to log in',
  'session/component-connection CLOSE_MS_MAX': 'time a server has to close its stream',
  'session/client-connection LOGIN_MS_MAX': 'time for an account to log in',
  'session/client-connection CLOSE_MS_MAX': 'time a server has to close its stream',
  'session/client-connection EARLY_MAX': 'stanzas kept that a server sends before',
  'session/keep-alive SILENCE_MS': 'silence of a server',
  'session/keep-alive AGAIN_MS': 'silence of a server',
  'session/keep-alive PINGS_MAX': 'the same, and no answer',
  'session/dial STEP_MS_MAX': 'one connection to a server',
  'session/dial ADDRESSES_MAX': 'addresses of one server',
  'session/server-addresses SRV_MS_MAX': 'for DNS to say where',
  'session/server-addresses SERVERS_MAX': 'servers of a domain',
  'session/scram-client ITERATIONS_MAX': 'iterations of SCRAM',
  'embedded/roster GROUPS_MAX': 'groups of a contact',
  'embedded/roster NAME_BYTES_MAX': 'octets of the name of a contact or a group',
  'storage/checkpoints FRAMES_MAX': 'pages in the log of a database',
  'pubsub/store/known-nodes KNOWN_NODES_MAX': 'nodes of publish-subscribe a database',
  'pubsub/store/known-items KNOWN_ITEMS_MAX': 'ids of items of one of those nodes',
  'pubsub/store/known-items KNOWN_ITEM_CHARACTERS_MAX': 'ids of items of one of those nodes',
  'pubsub/store/known-nodes KNOWN_AFFILIATIONS_MAX': 'affiliations of one of those nodes',
  'storage/storage BUSY_MS_MAX': 'another program writes to the database',
  'xep/adopt PREFIXES_MAX': 'prefixes a stream header declares',
  'transfer/queue/absences ABSENT_MS_MAX': 'a receiver that is not there',
  'transfer/transfer-client CONCURRENCY': 'files sent at once',
  'transfer/acceptance TRANSFERS_MAX': 'files received at once',
  'transfer/acceptance SESSIONS_MAX': 'sessions in which others offer files',
  'bytestreams/socket-octets LINGER_MS': 'octets of a file wait for others',
  'bytestreams/resources ANSWER_MS_MAX': 'until a device of a bare JID shows up',
  'bytestreams/resource-search GATHER_MS': 'head start of the device',
  'bytestreams/resources PEERS_MAX': 'accounts whose devices are remembered',
  'bytestreams/resources RESOURCES_MAX': 'devices of an account that are remembered',
  'transfer/own-presence ANSWERED_MS': 'until one of those that looks for us gets it again',
  'transfer/own-presence ANSWERED_MAX': 'devices that are remembered to have our presence',
  'bytestreams/socks5/proxies ITEMS_MAX': 'items of the server that are asked',
  'bytestreams/socks5/proxies STEP_MS_MAX': 'for the list of items',
  'bytestreams/socks5/proxies REMEMBERED_MS': 'proxies are remembered',
  'check/find-proxies ITEMS_MAX': 'items of the server that are checked',
  'check/own-proxy OVERALL_MS_MAX': '`serve` looks at its own proxy',
  'check/raw-socket HELD_BYTES_MAX': 'octets of one socket that are held',
  'check/relay-probes BURST_MS_MAX': 'a burst before a larger one',
  'bytestreams/socks5/connect-streamhost ADDRESS_MS_MAX': "one address of a component's server",
  'bytestreams/socks5/target STREAMHOSTS_MAX': 'streamhosts of an offer',
  'bytestreams/socks5/target EXPECTED_MAX': 'bytestreams that are waited for',
  'bytestreams/socks5/target ANOTHER_MS_MAX': 'another offer',
  'nat/port-mapper NAT_PMP_MS_MAX': 'NAT-PMP at the router',
  'nat/port-mapper UPNP_MS_MAX': 'a router that speaks UPnP',
  'nat/port-mapper MAP_MS_MAX': 'a router that was found maps a port',
  'nat/port-mapper UNMAP_MS_MAX': 'a mapping is taken back',
  'nat/port-mapper AGAIN_MS': 'after a renewal failed',
  'nat/port-mapper FAILURE_REMEMBERED_MS': 'that no router maps ports is remembered',
  'nat/routers LEASE_MS': 'a mapping that is not renewed',
  'bytestreams/jingle/socks5-offer OWN_HOSTS_MAX': 'own addresses that are offered',
  'bytestreams/jingle/socks5-offer PROXIES_MAX': 'addresses of proxies that are offered',
  'bytestreams/socks5/staggered HOPELESS_MS_MAX': 'one connection without a chance',
  'bytestreams/last-ways REMEMBERED_MS': 'the way a peer was last reached is remembered',
  'bytestreams/last-ways IN_BAND_REMEMBERED_MS': 'the way a peer was last reached is remembered',
  'bytestreams/last-ways PEERS_MAX': 'peers whose way is remembered',
  'bytestreams/jingle/socks5-transport RESULT_MS_MAX': 'the other side says what it reached',
  'bytestreams/jingle/socks5-transport ACTIVATION_MS_MAX': 'the other side activates its proxy',
  'bytestreams/jingle/their-candidates DIRECT_MAX': 'candidates of the other side that are tried',
  'bytestreams/jingle/their-candidates PROXIES_MAX': 'proxies of the other side that are tried',
  'bytestreams/jingle/their-candidates LATE_OFFER_MS': 'for an other side that offered nothing',
  'bytestreams/jingle/open-transport REPLACE_MS_MAX': 'the initiator asks for another transport',
  'bytestreams/in-band/answer-window BLOCKS_MAX': 'blocks of an in-band bytestream on their way',
  'bytestreams/in-band/answer-window WINDOW_BYTES_MAX': 'octets of those blocks',
  'bytestreams/in-band/answer-window QUICK_MS': 'a quick answer to a block',
  'bytestreams/in-band/answer-window SLOW_MS': 'a slow one',
  'bytestreams/in-band/in-band-stream ANSWERED_BYTES_MAX': 'octets of an in-band bytestream that are answered',
  'bytestreams/in-band/in-band-stream UNREAD_BYTES_MAX': 'octets of one that are not yet read',
  'bytestreams/in-band/in-band-stream WITHHELD_MAX': 'blocks of one whose answers are withheld',
  'bytestreams/in-band/in-band-stream SILENCE_MS_MAX': 'without any answer to blocks or a close',
  'bytestreams/in-band/in-band-stream CLOSE_AGAIN_MS': 'a close without an answer',
  'bytestreams/in-band/in-band-stream CLOSES_MAX': 'closes of a peer that wait',
  'bytestreams/in-band/in-band-stream LINGER_MS_MAX': 'for the closing of one that was broken off',
  'bytestreams/in-band/in-band-streams STREAMS_MAX': 'in-band bytestreams of one session',
  'bytestreams/in-band/in-band-target EXPECTED_MAX': 'in-band bytestreams that are waited for',
  'xep/jingle CONTENTS_MAX': 'contents of one step',
  'xep/jingle-socks5 CANDIDATES_MAX': 'candidates of one transport',
  'xep/hashes HASHES_MAX': 'hashes of one file',
  'xep/data-forms FIELDS_MAX': 'fields of a form that is submitted',
  'xep/data-forms VALUES_MAX': 'values of one field of such a form',
  'xep/declare-namespaces PREFIXES_MAX': 'prefixes a payload has in scope',
  'xep/declare-namespaces DEPTH_MAX': 'elements of a payload inside one another',
  'xep/pubsub-entity-requests ENTRIES_MAX': 'items, subscriptions or affiliations in one request',
  'feeds/notify ROOM_MS_MAX': 'for a room to let `notify` in',
  'feeds/offers OFFERS_MAX': 'offers of one client that are not over',
  'feeds/offers ENDED_MAX': 'offers of which it is remembered how they ended',
  'feeds/offer END_MS_MAX': 'for a feed to hear that an offer is over',
  'feeds/downloads BEGIN_MS_MAX': 'until a download that was granted begins',
  'feeds/audience ASKING_MAX': 'accounts about which a feed is asked at once',
  'xep/feed-readers ACCOUNTS_MAX': 'accounts in one question about who may read',
  'feeds/audience ENTRIES_MAX': 'affiliations, and subscriptions, of a feed that are looked at for that',
  'feeds/earlier-offer ITEMS_MAX': 'items of a feed among which an earlier offer of the same file is looked for',
  'feeds/earlier-offer ANSWER_MS_MAX': 'for whoever has announced that to say that it is still there',
  'feeds/watch FEEDS_MAX': 'feeds that are watched together',
  'feeds/watch CONCURRENCY': 'files a watch fetches at once',
  'feeds/event-queue WAITING_MAX': 'events of a watch that nobody has looked at',
  'feeds/fetches ENTRIES_MAX': 'announcements a watch remembers',
  'feeds/fetches PAUSED_MS_MAX': 'while an owner is away, or too busy: asked again after 5 s, then up to 10 min, for',
  'feeds/fetches EARLY_MS': 'before it expires, from when on what is gone is said to have expired',
  'feeds/watched-feed ITEMS_MAX': 'items of a feed that are looked at when it begins to be watched: the newest',
  'feeds/watched-feed CHANGED_MAX': 'items that change while those are read',
  'feeds/watched-feed EARLY_MAX': 'notifications of a feed that come before the service has answered that we are subscribed',
  'feeds/watched-feed LEAVE_MS_MAX': 'to unsubscribe at the end of a watch',
  'feeds/acknowledgements HELD_MAX': 'messages a watch was told of, and is not done with',
  'feeds/acknowledgements ANSWER_MS_MAX': 'for a service to answer an acknowledgement',
  'feeds/audience ANSWER_MS_MAX': 'for our service to say who of them may have it',
  'feeds/watched-feed LET_IN_MS': 'until somebody whose subscription an owner has to approve',
  'feeds/watched-feed LET_IN_MS_MAX': 'until somebody whose subscription an owner has to approve',
  'feeds/appearance AGAIN_MS': 'until somebody who watches is shown again to',
  'feeds/appearance AGAIN_MS_MAX': 'until somebody who watches is shown again to',
  'feeds/appearance ANSWER_MS_MAX': 'for a service with queues to say that it has heard that somebody watches',
  'xep/feeds MESSAGES_MAX': 'messages acknowledged at once',
  'xep/feeds ACCEPT_VALUES_MAX': 'types, or ways of transfer, somebody says to take',
  'xep/file-sharing SOURCES_MAX': 'sources of one shared file',
  'xep/jingle-pub LANGUAGES_MAX': 'languages in which there are words',
  'xep/xmpp-uri URI_CHARACTERS_MAX': 'characters of a link to a file',
  'xep/announcement-text NAME_CHARACTERS_MAX': 'characters of a name in the text',
  'xep/announcement-text DESCRIPTION_CHARACTERS_MAX': 'characters of a description in the text',
  'xep/amp RULES_MAX': 'rules for one message',
  'xep/presence-packet VALUE_BYTES_MAX': 'octets of a value in presence',
  'xep/bounded CHARACTERS_MAX': 'characters of an identifier',
  'pubsub-client/pages PAGE_ENTRIES_MAX': 'entries of a list a client asks for at once',
  'pubsub-client/approvals REQUESTS_MAX': 'requests to subscribe to one node that `pending` gathers',
  'pubsub-client/notifications WAITING_MAX': 'events that wait for whoever looks at them',
  'pubsub-client/find-services ITEMS_MAX': 'services that are looked for among the items',
  'pubsub-client/find-services ANSWER_MS_MAX': 'for one of those items to say',
  'cli/read-input INPUT_BYTES_MAX': 'octets of a file that is published',
  'cli/commands/notify TEXT_BYTES_MAX': 'octets of what `notify` says',
  'cli/commands/demo-feeds SUBSCRIBERS_MAX': 'subscribers of the demo of feeds',
  'cli/commands/demo-feeds PLAY_MS_MAX': 'for the demo of feeds',
  'cli/commands/pubsub-watch UNSUBSCRIBE_MS_MAX': 'to unsubscribe when somebody stops watching',
  'pubsub/queues/owners QUEUES_PAGE_MAX': 'queues an owner is shown at once',
  'pubsub/rules/routing-keys KEY_BYTES_MAX': 'octets of a routing key',
  'pubsub/operations/rosters ROSTERS_MAX': 'owners whose rosters are asked',
  'component/pubsub/privileges GRANT_MS_MAX': 'for a server to say what it grants',
  'component/pubsub/rosters ROSTER_MS_MAX': 'for what a roster says',
  'component/pubsub/rosters ROSTERS_MAX': 'rosters that are remembered',
  'component/pubsub/rosters CONTACTS_MAX': 'contacts that are remembered',
  'component/pubsub/rosters READING_MAX': 'rosters that are asked for at once',
  'component/pubsub/rosters ANSWER_MS_MAX': 'for a server to answer with a roster',
  'component/pubsub/word-rates MESSAGES_AT_ONCE_MAX': 'messages about affiliations, subscriptions',
  'component/pubsub/word-rates MESSAGE_MS': 'until there is one more of them',
  'component/pubsub/word-rates ACCOUNTS_MAX': 'accounts of which that is remembered',
  'component/pubsub/write-notice PAYLOADS_BYTES_MAX': 'octets of the payloads in one notification',
  'component/pubsub/notification-ids PREFIXES_MAX': 'nodes of which it is remembered what ids',
  'component/pubsub/fan-outs PIECE_MS_MAX': 'time until a piece of notifications',
  'component/feeds/availability RESOURCES_PER_ACCOUNT_MAX': 'devices of a subscriber that are there',
  'component/feeds/look-up ANSWER_MS_MAX': 'a device that was there before',
  'component/feeds/look-up LATE_MS_MAX': 'such a device may be late',
  'component/feeds/look-up LATE_MAX': 'such devices that are late',
  'component/feeds/feed-presence UNDECIDED_MAX': 'requests of contacts that could not be decided about',
  'component/feeds/consumer-abilities SERVER_UNKNOWN_MS': 'a server that could not be asked what it does with messages',
  'component/feeds/availability RESOURCES_MAX': 'devices that are there, of all subscribers',
  'pubsub/bounces BOUNCING_MAX': 'addresses that send notifications back',
  'pubsub/bounces PASSING_MAX': 'errors that may pass',
  'pubsub/bounces FIRST_PAUSE_MS': 'a subscriber that is not there',
  'pubsub/bounces PAUSE_MS_MAX': 'a subscriber that is not there',
  'pubsub/bounces TRIAL_MS': 'without an error, once it is told something again',
  'bytestreams/jingle/jingle-sessions SESSIONS_MAX': 'Jingle sessions others have begun',
  'bytestreams/jingle/jingle-sessions OWN_SESSIONS_MAX': "Jingle sessions one account's session has begun",
  'bytestreams/jingle/jingle-sessions PEER_SESSIONS_MAX': 'of those that others have begun',
  'bytestreams/jingle/session-contents CONTENTS_MAX': 'contents of one session',
  'bytestreams/jingle/session-contents CHARACTERS_MAX': 'characters that are kept of the contents',
  'bytestreams/jingle/session-content EARLY_INFOS_MAX': 'transport-infos for a content',
  'bytestreams/jingle/session-content REPLACEMENTS_MAX': 'times the other side may replace',
  'bytestreams/jingle/received-actions DECISION_MS_MAX': 'for us to decide about a session',
  'bytestreams/jingle/session-course LINGER_MS_MAX': 'for either side to end a session',
  'transfer/decision ANSWER_MS_MAX': 'for `mayAccept`, `mayFetch` or `mayStart` to decide',
  'transfer/sharing TRANSFERS_MAX': 'files sent on request at once',
  'transfer/published/publications TRANSFERS_MAX': 'published files sent at once',
  'transfer/published/line WAITING_MAX': 'requests for published files that wait',
  'transfer/published/line WAIT_MS_MAX': 'a request waits for that',
  'transfer/published/pending-starts STARTS_MAX': 'published files that are asked for, and have not all come',
  'transfer/published/obtain BEGIN_MS_MAX': 'an owner that has granted a published file begins the session',
  'transfer/published/inspected-files FILES_MAX': 'published files whose hashes are remembered',
  'transfer/movement STALL_MS_MAX': 'without an octet, while a file moves',
  'transfer/content RECEIVER_CHECK_MS_MAX': "the receiver's check after the last octet",
  'transfer/content SENDER_CLOSE_MS_MAX': 'the sender has to close',
  'transfer/content RECEIVER_CLOSE_MS_MAX': 'a receiver that has said by Jingle',
  'transfer/jingle/send-content WORD_MS_MAX': "a receiver's word in Jingle",
  'transfer/retry RETRY_MS_MAX': 'without progress, after an interruption',
  'transfer/retry ATTEMPTS_MAX': 'attempts of one transfer',
  'transfer/retry WHOLE_ATTEMPTS_MAX': 'attempts that fail behind the last octet',
  'transfer/jingle/take-content CHECKSUM_MS_MAX': 'the hash a sender has announced',
  'transfer/jingle/what-was-said REASON_MS_MAX': 'what a side says of a bytestream',
  'transfer/jingle/file-session END_MS_MAX': 'a receiver has to end a Jingle session',
  'transfer/jingle/together OFFERS_MAX': 'files offered at once in one Jingle session',
  'transfer/queue/file-queue ENTRIES_MAX': 'files in a queue that are still to be sent',
  'transfer/queue/entries ENDED_MAX': 'files of a queue that have ended',
  'transfer/queue/records LINE_BYTES_MAX': "octets of one line of a queue's file",
  'transfer/queue/journal FILE_BYTES_MAX': "octets of a queue's file",
  'transfer/queue/journal TIDY_FACTOR_MAX': "until a queue's file is written anew",
  'transfer/queue/journal LOOK_MS': 'until an order is heard',
  'transfer/queue/hold SIGN_MS': 'between two signs of life',
  'transfer/queue/hold COLLISION_TRIES': 'tries to take a queue',
  'transfer/queue/hold COLLISION_MS_MAX': 'tries to take a queue',
  'transfer/file-name NAME_BYTES_MAX': 'octets of a stored name',
  'transfer/files-under-way MOVE_MS_MAX': 'a file that is offered again has to move',
  'transfer/parts/part-store PARTS_MAX': 'parts of files in one folder',
  'transfer/parts/part-store PART_MS_MAX': 'a part is kept',
  'transfer/parts/part-state STATE_BYTES_MAX': 'what says of which file a part is',
  'transfer/parts/known-beginnings PLACES_MAX': 'places in files up to which a hash is remembered',
  'transfer/parts/known-beginnings SETTLED_MS': 'a file of others has to have stayed as it is',
  'transfer/parts/holder ELSEWHERE_MS_MAX': 'a part another machine has in use',
  'transfer/file-name FOLDER_DEPTH_MAX': 'folders of a file that is sent with them',
  'transfer/file-name FOLDER_BYTES_MAX': 'octets of the path of those',
  'transfer/files-in ENTRIES_MAX': 'files and folders in a directory',
  'transfer/file-name FILE_NAMES_MAX': 'names tried',
  'transfer/give-name AHEAD_MS_MAX': "a file's date ahead of the receiver's clock",
}

/** What is called like a limit, and keeps nobody from anything. */
const others: readonly string[] = [
  ...['config/values PORT_MAX', 'config/values DURATION_MS_MAX', 'core/clock TIMER_MS_MAX', 'core/jid JID_BYTES_MAX'],
  ...['transfer/transfer REPORT_MS', 'http/http-server LOOK_MS', 'session/server-addresses PORT_MAX', 'check/handshake-probes FRAGMENT_MS'],
]

const CONSTANT = /^(?:export )?const ([A-Z_]*(?:_MAX|_MS|_TRIES)|BACKLOG|CONCURRENCY) = (.+)$/gm
const isKeepAlive = (name: string) => name === 'KEEP_ALIVE_MS'

/** `[folder/file NAME, its value]`, the value as it is written. */
const constants = repositoryFiles()
  .filter((path) => path.startsWith('src/') && path.endsWith('.ts'))
  .flatMap((path) =>
    [...readRepositoryFile(path).matchAll(CONSTANT)]
      .filter(([, name = '']) => !isKeepAlive(name))
      .map(([, name, value = '']) => [`${path.slice('src/'.length, -'.ts'.length)} ${name}`, value] as const),
  )

const rows = readRepositoryFile('docs/LIMITS.md')
  .split('\n')
  .filter((line) => line.startsWith('| '))
const product = (text: string) => text.split('*').reduce((value, factor) => value * Number(factor.replaceAll('_', '')), 1)

/** The ways to write a value of that name. */
function writings(name: string, value: number): string[] {
  if (/Ms|_MS/.test(name)) return [formatDuration(value), `${value / 1000} s`]
  const number = value.toLocaleString('en')
  return /bytes/i.test(name) ? [formatBytes(value), number] : [number]
}

function hasValue(row: string | undefined, name: string, value: number): boolean {
  return writings(name, value).some((writing) => new RegExp(`(?<![\\d,.])${writing}(?![\\d,.]*\\d)`).test(row ?? ''))
}

test('every constant that limits something has its row, and every row its constant', (t) => {
  t.deepEqual(constants.map(([name]) => name).sort(), [...Object.keys(rowOf), ...others].sort())
})

test('the row of a constant has its value', (t) => {
  for (const [name, text] of constants) {
    if (others.includes(name)) continue
    const row = rows.filter((line) => line.startsWith(`| ${rowOf[name]}`))
    t.is(row.length, 1, name)
    t.true(hasValue(row[0], name, product(text)), `${name} = ${text}: ${row[0]}`)
    t.false(hasValue(row[0], name, 2 * product(text)), name)
  }
})

test('the row of a field has its default', (t) => {
  const fields = [
    ...Object.entries(embeddedLimits),
    ...Object.entries(httpLimits),
    ...Object.entries(pubsubLimits),
    ...Object.entries(defaultCheckTimings).map(([name, value]) => [`CheckTimings.${name}`, value] as const),
    ...Object.entries(defaultTimings).map(([name, value]) => [`timings.${name}`, value] as const),
  ]
  for (const [name, value] of fields) {
    const row = rows.filter((line) => line.includes(`\`${name}\``))
    t.is(row.length, 1, name)
    t.true(hasValue(row[0], name, value), `${name} = ${value}: ${row[0]}`)
  }
})
