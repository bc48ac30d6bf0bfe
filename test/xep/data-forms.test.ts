import test from 'ava'
import fc from 'fast-check'
import { buildForm, type DataForm, type FormField, parseElement, parseForm } from '../../src/xep/index.ts'
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
  const options = methods.map((value) => ({ value }))
  means(t, buildForm({ type: 'form', fields: [{ var: 'stream-method', type: 'list-single', values: [], options }] }), example)
  t.like(parseForm(parseElement(example)), { type: 'form', fields: [{ var: 'stream-method', type: 'list-single', values: [], options }] })
})

test('a submission is what XEP-0095 example 4 carries', (t) => {
  const example = `<x xmlns='jabber:x:data' type='submit'>
    <field var='stream-method'>
      <value>http://jabber.org/protocol/bytestreams</value>
    </field>
  </x>`
  means(t, buildForm({ type: 'submit', fields: [{ var: 'stream-method', values: ['http://jabber.org/protocol/bytestreams'] }] }), example)
})

const texts = fc.string({ unit: 'grapheme' })
const names = fc.string({ minLength: 1, unit: 'grapheme' })
const maybe = (text: fc.Arbitrary<string>) => fc.option(text, { nil: undefined })
const fields: fc.Arbitrary<FormField> = fc.record({
  var: names.filter((name) => name !== 'FORM_TYPE'),
  type: fc.constantFrom('list-single', 'text-multi', undefined),
  label: maybe(texts),
  description: maybe(names),
  isRequired: fc.boolean(),
  values: fc.array(texts),
  options: fc.array(fc.record({ value: texts, label: maybe(texts) })),
  datatype: fc.option(fc.record({ name: names, min: maybe(texts), max: maybe(texts) }), { nil: undefined }),
})
const forms: fc.Arbitrary<DataForm> = fc.record({
  type: fc.constantFrom('form', 'submit', 'result', 'cancel'),
  formType: maybe(names),
  title: maybe(names),
  instructions: fc.array(texts),
  fields: fc.array(fields),
})

test('what is built is read back as it was', (t) => {
  fc.assert(
    fc.property(forms, (form) => {
      t.deepEqual(parseForm(sent(buildForm(form))), form)
    }),
  )
})

test('fields without a name, options without a value, and what belongs to others are left out', (t) => {
  const form = parseElement(`<x xmlns='jabber:x:data' type='form'><field><value>b</value></field><title xmlns='urn:x'>a</title>
    <field var='c'><option label='d'/><option><value>e</value></option><value xmlns='urn:x'>f</value></field><field xmlns='urn:x' var='g'/></x>`)
  t.like(parseForm(form), {
    title: undefined,
    fields: [{ var: 'c', type: undefined, values: [], options: [{ value: 'e', label: undefined }] }],
  })
})

test('any element is read', (t) => {
  fc.assert(
    fc.property(elements, (element) => void parseForm(element)),
    { numRuns: 500 },
  )
  t.pass()
})
