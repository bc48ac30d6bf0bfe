import test from 'ava'
import {
  buildBind,
  buildLegacySession,
  buildMechanisms,
  buildSaslFailure,
  buildSaslStep,
  buildStreamFeatures,
  clientStreamHeader,
  NS,
} from '../../src/xep/index.ts'

test('a header names the server, the stream and, if it said so, the client (RFC 6120 §4.7)', (t) => {
  const rest = 'version="1.0" xml:lang="en">'
  const namespaces = `xmlns="${NS.client}" xmlns:stream="${NS.stream}"`
  t.is(
    clientStreamHeader({ from: 'a.example', id: 'x' }),
    `<?xml version='1.0'?><stream:stream ${namespaces} from="a.example" id="x" ${rest}`,
  )
  t.is(
    clientStreamHeader({ from: 'a.example', id: 'x', to: 'b@a.example' }),
    `<?xml version='1.0'?><stream:stream ${namespaces} from="a.example" id="x" to="b@a.example" ${rest}`,
  )
})

test('features before and behind the login (RFC 6120 §6.4.1, §7.4)', (t) => {
  t.is(
    buildStreamFeatures([buildMechanisms(['SCRAM-SHA-1', 'PLAIN'])]).toString(),
    `<stream:features><mechanisms xmlns="${NS.sasl}"><mechanism>SCRAM-SHA-1</mechanism><mechanism>PLAIN</mechanism></mechanisms></stream:features>`,
  )
  t.is(
    buildStreamFeatures([buildBind(), buildLegacySession()]).toString(),
    `<stream:features><bind xmlns="${NS.bind}"/><session xmlns="${NS.session}"><optional/></session></stream:features>`,
  )
})

test('steps of SASL (RFC 6120 §6.4)', (t) => {
  t.is(buildSaslStep('challenge', 'r=ü').toString(), `<challenge xmlns="${NS.sasl}">cj3DvA==</challenge>`)
  t.is(buildSaslStep('success').toString(), `<success xmlns="${NS.sasl}"/>`)
  t.is(buildSaslFailure('not-authorized').toString(), `<failure xmlns="${NS.sasl}"><not-authorized/></failure>`)
})

test('a bound resource (RFC 6120 §7.6)', (t) => {
  t.is(buildBind('a@b/c').toString(), `<bind xmlns="${NS.bind}"><jid>a@b/c</jid></bind>`)
})
