import test from 'ava'
import { Accounts } from '../../src/embedded/accounts.ts'
import { SaslServer } from '../../src/embedded/sasl.ts'
import { type Element, NS, parseElement } from '../../src/xep/index.ts'
import { auth, response, scramProof } from '../helpers/raw-client.ts'

const DOMAIN = 'example.org'

function startSasl(isLoopback = true) {
  const accounts = new Accounts(DOMAIN)
  accounts.add('romeo', 'call me but love', 1)
  return { sasl: new SaslServer(accounts, isLoopback), accounts }
}

const decoded = (element: Element | undefined) => Buffer.from(element?.text() ?? '', 'base64').toString()

const fails = test.macro({
  exec(t, exchange: string | readonly string[], condition: string, isRemote?: 'from another machine') {
    const { sasl } = startSasl(!isRemote)
    const replies = [exchange].flat().map((element) => sasl.receive(parseElement(element)))
    const last = replies.at(-1)
    t.true(last?.hasFailed)
    t.is(last?.account, undefined)
    t.is(last?.element.toString(), `<failure xmlns="${NS.sasl}"><${condition}/></failure>`)
  },
  title: (given, _exchange, condition) => `${given} is ${condition} (RFC 6120 §6.5)`,
})
const scramFirst = (name: string, authzid = '') => auth('SCRAM-SHA-1', `n,${authzid},n=${name},r=abc`)
test('giving up', fails, [scramFirst('romeo'), `<abort xmlns='${NS.sasl}'/>`], 'aborted')
test('a wrong password', fails, auth('PLAIN', '\0romeo\0wrong'), 'not-authorized')
test('an unknown account', fails, auth('PLAIN', '\0tybalt\0call me but love'), 'not-authorized')
test('a name that cannot be one', fails, auth('PLAIN', '\0ro@meo\0call me but love'), 'not-authorized')
test('a full JID for a name', fails, auth('PLAIN', `\0romeo@${DOMAIN}/x\0call me but love`), 'not-authorized')
test('a mechanism of another kind', fails, auth('DIGEST-MD5', ''), 'invalid-mechanism')
test('channel binding that was not offered', fails, auth('SCRAM-SHA-1-PLUS', 'p=x,,n=romeo,r=abc'), 'invalid-mechanism')
test('no mechanism', fails, `<auth xmlns='${NS.sasl}'/>`, 'invalid-mechanism')
test('what is not base64', fails, `<auth xmlns='${NS.sasl}' mechanism='PLAIN'>a=b</auth>`, 'incorrect-encoding')
test('base64 that is cut short', fails, `<auth xmlns='${NS.sasl}' mechanism='PLAIN'>AAA</auth>`, 'incorrect-encoding')
test('what is not UTF-8', fails, `<auth xmlns='${NS.sasl}' mechanism='PLAIN'>/////w==</auth>`, 'malformed-request')
test('an empty initial response', fails, `<auth xmlns='${NS.sasl}' mechanism='PLAIN'>=</auth>`, 'malformed-request')
test('PLAIN without a password', fails, auth('PLAIN', '\0romeo\0'), 'malformed-request')
test('PLAIN with a part too many', fails, auth('PLAIN', '\0romeo\0call me but love\0'), 'malformed-request')
test('a response to nothing', fails, response('n,,n=romeo,r=abc'), 'malformed-request')
test('a first message of SCRAM that is none', fails, auth('SCRAM-SHA-1', 'romeo'), 'malformed-request')
test('a final message of SCRAM that is none', fails, [scramFirst('romeo'), response('c=biws')], 'malformed-request')
test('a response after a failure', fails, [auth('PLAIN', '\0romeo\0wrong'), response('\0romeo\0call me but love')], 'malformed-request')
test('acting as somebody else', fails, auth('PLAIN', `juliet@${DOMAIN}\0romeo\0call me but love`), 'invalid-authzid')
test('acting as somebody else with a wrong password', fails, auth('PLAIN', `juliet@${DOMAIN}\0romeo\0wrong`), 'not-authorized')
test('PLAIN from another machine', fails, auth('PLAIN', '\0romeo\0call me but love'), 'encryption-required', 'from another machine')

test('PLAIN is offered to this machine only', (t) => {
  t.deepEqual(startSasl(true).sasl.mechanisms, ['SCRAM-SHA-1', 'PLAIN'])
  t.deepEqual(startSasl(false).sasl.mechanisms, ['SCRAM-SHA-1'])
})

for (const authzid of ['', `romeo@${DOMAIN}`]) {
  test(`PLAIN with ${authzid ? 'the account itself as' : 'no'} authorization identity succeeds (RFC 4616 §2)`, (t) => {
    const { sasl, accounts } = startSasl()
    const reply = sasl.receive(parseElement(auth('PLAIN', `${authzid}\0Romeo\0call me but love`)))
    t.is(reply?.element.toString(), `<success xmlns="${NS.sasl}"/>`)
    t.is(reply?.account, accounts.get('romeo'))
  })
}

test('a mechanism without an initial response is asked for it (RFC 6120 §6.4.2)', (t) => {
  const { sasl, accounts } = startSasl()
  t.is(sasl.receive(parseElement(`<auth xmlns='${NS.sasl}' mechanism='PLAIN'/>`))?.element.name, 'challenge')
  t.is(sasl.receive(parseElement(response('\0romeo\0call me but love')))?.account, accounts.get('romeo'))
})

test('SCRAM-SHA-1 succeeds, and shows the client that the server knows the password too (RFC 5802 §3)', (t) => {
  const { sasl, accounts } = startSasl(false)
  const serverFirst = decoded(sasl.receive(parseElement(scramFirst('romeo')))?.element)
  const { final, serverFinal } = scramProof('call me but love', 'n=romeo,r=abc', serverFirst)
  const reply = sasl.receive(parseElement(response(final)))
  t.is(decoded(reply?.element), serverFinal)
  t.is(reply?.account, accounts.get('romeo'))
})

test('SCRAM-SHA-1 does not tell an unknown account from a known one (RFC 5802 §9)', (t) => {
  const { sasl } = startSasl()
  const ask = (name: string) => decoded(sasl.receive(parseElement(scramFirst(name)))?.element)
  const saltOf = (name: string) => /,s=([^,]+),i=4096$/.exec(ask(name))?.[1]
  t.is(saltOf('tybalt'), saltOf('Tybalt'), 'the same name, the same salt')
  t.not(saltOf('tybalt'), saltOf('mercutio'))
  t.is(saltOf('tybalt')?.length, saltOf('romeo')?.length)
  const { final } = scramProof('', 'n=tybalt,r=abc', ask('tybalt'))
  t.true(
    sasl
      .receive(parseElement(response(final)))
      ?.element.toString()
      .includes('not-authorized'),
  )
})

test('what is no part of SASL is left to others', (t) => {
  t.is(startSasl().sasl.receive(parseElement("<iq xmlns='jabber:client'/>")), undefined)
  t.is(startSasl().sasl.receive(parseElement(`<success xmlns='${NS.sasl}'/>`)), undefined)
})
