import test from 'ava'
import { buildLastActivity, buildPing, buildTime, buildVersion } from '../../src/xep/index.ts'
import { means } from '../helpers/elements.ts'

test('a ping is XEP-0199 example 1', (t) => {
  means(t, buildPing(), "<ping xmlns='urn:xmpp:ping'/>")
})

test('a version is XEP-0092 example 2', (t) => {
  means(
    t,
    buildVersion({ name: 'Exodus', version: '0.7.0.4', os: 'Windows-XP 5.01.2600' }),
    `<query xmlns='jabber:iq:version'>
       <name>Exodus</name>
       <version>0.7.0.4</version>
       <os>Windows-XP 5.01.2600</os>
     </query>`,
  )
})

test('a version need not tell the system it runs on (XEP-0092 §4)', (t) => {
  means(t, buildVersion({ name: 'a', version: '1' }), "<query xmlns='jabber:iq:version'><name>a</name><version>1</version></query>")
})

test('a last activity is XEP-0012 example 11', (t) => {
  means(t, buildLastActivity(123456), "<query xmlns='jabber:iq:last' seconds='123456'/>")
})

test('seconds are whole and not negative', (t) => {
  means(t, buildLastActivity(1.9), "<query xmlns='jabber:iq:last' seconds='1'/>")
  means(t, buildLastActivity(-1), "<query xmlns='jabber:iq:last' seconds='0'/>")
})

/** A moment somewhere east of Greenwich by `minutes`, whatever the time zone of this machine. */
function somewhere(moment: string, minutes: number): Date {
  return Object.assign(new Date(moment), { getTimezoneOffset: () => -minutes })
}

const shows = test.macro({
  exec(t, minutes: number, tzo: string) {
    means(
      t,
      buildTime(somewhere('2006-12-19T17:58:35.999Z', minutes)),
      `<time xmlns='urn:xmpp:time'><tzo>${tzo}</tzo><utc>2006-12-19T17:58:35Z</utc></time>`,
    )
  },
  title: (given, _, tzo) => `the time ${given} is shown with ${tzo} (XEP-0202, XEP-0082 §3)`,
})
test('of example 2', shows, -360, '-06:00')
test('in Greenwich', shows, 0, 'Z')
test('in Kathmandu', shows, 345, '+05:45')
test('in Newfoundland', shows, -150, '-02:30')
test('just west of Greenwich', shows, -30, '-00:30')
test('in Kiritimati', shows, 840, '+14:00')
