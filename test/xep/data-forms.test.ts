import test from 'ava'
import fc from 'fast-check'
import { buildForm, type FormField, parseElement, parseForm } from '../../src/xep/index.ts'
import { elements, means, sent } from '../helpers/elements.ts'

test('a form with a choice is what XEP-0095 example 3 carries', (t) => {
  const methods = ['http://jabber.org/protocol/bytestreams', 'jabber:iq:oob', 'http://jabber.org/protocol/ibb']
  const example = `<x xmlns='jabber:x:data' type='form'>
    <field var='stream-method' type='list-single'>
      <option><value>http://jabber.org/protocol/bytestreams</value></option>
      <option><value>jabber:iq:oob</value></option>
      <option><value>http://jabber.org/protocol/ibb</value></option>
    </field>
  </x>`
  means(t, buildForm('form', [{ var: 'stream-method', type: 'list-single', values: [], options: methods }]), example)
  t.deepEqual(parseForm(parseElement(example)), [{ var: 'stream-method', type: 'list-single', values: [], options: methods }])
})

test('a submission is what XEP-0095 example 4 carries', (t) => {
  const example = `<x xmlns='jabber:x:data' type='submit'>
    <field var='stream-method'>
      <value>http://jabber.org/protocol/bytestreams</value>
    </field>
  </x>`
  means(t, buildForm('submit', [{ var: 'stream-method', values: ['http://jabber.org/protocol/bytestreams'] }]), example)
})

test('what is built is read back as it was', (t) => {
  const fields = fc.record({
    var: fc.string({ minLength: 1, unit: 'grapheme' }),
    type: fc.constantFrom('list-single', 'text-multi', undefined),
    values: fc.array(fc.string({ unit: 'grapheme' })),
    options: fc.array(fc.string({ unit: 'grapheme' })),
  }) satisfies fc.Arbitrary<FormField>
  fc.assert(
    fc.property(fc.array(fields), (form) => {
      t.deepEqual(parseForm(sent(buildForm('form', form))), form)
    }),
  )
})

test('fields without a name, options without a value, and what belongs to others are left out', (t) => {
  const form = parseElement(`<x xmlns='jabber:x:data' type='form'><title>a</title><field><value>b</value></field>
    <field var='c'><option label='d'/><option><value>e</value></option><value xmlns='urn:x'>f</value></field><field xmlns='urn:x' var='g'/></x>`)
  t.deepEqual(parseForm(form), [{ var: 'c', type: undefined, values: [], options: ['e'] }])
})

test('any element is read', (t) => {
  fc.assert(
    fc.property(elements, (element) => void parseForm(element)),
    { numRuns: 500 },
  )
  t.pass()
})
