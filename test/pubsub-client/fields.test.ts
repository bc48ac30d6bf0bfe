import test from 'ava'
import { type FieldChanges, fillForm, submitFields } from '../../src/pubsub-client/fields.ts'
import { describeValues, openFields, shortName } from '../../src/pubsub-client/index.ts'
import type { DataForm, FormField } from '../../src/xep/index.ts'

const options = ['open', 'whitelist'].map((value) => ({ value }))
const form: DataForm = {
  type: 'form',
  formType: 'urn:form',
  fields: [
    { var: '', type: 'fixed', values: ['A text for people'] },
    { var: 'secret', type: 'hidden', values: ['kept'] },
    { var: 'pubsub#title', type: 'text-single', label: 'Title', values: ['Builds'] },
    { var: 'pubsub#access_model', type: 'list-single', values: ['open'], options },
    { var: 'pubsub#deliver_payloads', type: 'boolean', values: ['1'] },
    { var: 'pubsub#contact', type: 'jid-multi', values: [] },
    { var: 'pubsub#max_items', values: ['10'], datatype: { name: 'xs:integer', min: '1', max: '100' } },
    { var: 'title', type: 'text-single', values: [] },
  ],
}

const filled = (changes: FieldChanges) => fillForm(form, changes).fields.map(({ var: name, values }) => [name, ...values].join(' '))

test('a form is filled in with what changes, and what stays; texts for people and empty fields are left out (XEP-0004 §3.2)', (t) => {
  t.deepEqual(filled({ access_model: 'whitelist', 'pubsub#contact': ['a@b', 'c@d'], max_items: 100, deliver_payloads: false }), [
    'secret kept',
    'pubsub#title Builds',
    'pubsub#access_model whitelist',
    'pubsub#deliver_payloads false',
    'pubsub#contact a@b c@d',
    'pubsub#max_items 100',
  ])
  t.like(fillForm(form, {}), { type: 'submit', formType: 'urn:form' })
})

test('a field is called by its whole name, and by its short one where no other field has that', (t) => {
  t.true(filled({ 'pubsub#title': 'Other' }).includes('pubsub#title Other'))
  t.true(filled({ title: 'Other' }).includes('title Other'))
  t.is(shortName('pubsub#max_items'), 'max_items')
  t.is(shortName('other#max_items'), 'other#max_items')
})

test('a value can be empty', (t) => {
  t.true(filled({ 'pubsub#title': '' }).includes('pubsub#title '))
})

const refuses = test.macro({
  exec: (t, changes: FieldChanges, message: string) => void t.throws(() => fillForm(form, changes), { code: 'ERR_CONFIG', message }),
  title: (given) => `${given} is refused, with what there is`,
})
test(
  'a field that is not there',
  refuses,
  { colour: 'red' },
  'there is no field colour: there are title, access_model, deliver_payloads, contact, max_items, title',
)
test(
  'a hidden field',
  refuses,
  { secret: 'told' },
  'there is no field secret: there are title, access_model, deliver_payloads, contact, max_items, title',
)
test('a word that is none of the choices', refuses, { access_model: 'closed' }, 'access_model is one of open, whitelist, not closed')
test('no word at all', refuses, { access_model: '' }, 'access_model is one of open, whitelist, not ""')
test('two values of a field that has one', refuses, { access_model: ['open', 'whitelist'] }, 'access_model has one value')
test('a word that is no boolean', refuses, { deliver_payloads: 'yes' }, 'deliver_payloads is true or false, not yes')
test('a number below the least', refuses, { max_items: 0 }, 'max_items is a whole number from 1 to 100, not 0')
test('a number above the most', refuses, { max_items: 101 }, 'max_items is a whole number from 1 to 100, not 101')
test('a word that is no number', refuses, { max_items: 'all' }, 'max_items is a whole number from 1 to 100, not all')
test('a field that is set by two names', refuses, { 'pubsub#access_model': 'open', access_model: 'open' }, 'access_model is set twice')

test('fields of a form that nobody has shown are taken as they are named', (t) => {
  t.deepEqual(submitFields('urn:form', { access_model: 'open', 'other#thing': ['a', 'b'] }), {
    type: 'submit',
    formType: 'urn:form',
    fields: [
      { var: 'pubsub#access_model', values: ['open'] },
      { var: 'other#thing', values: ['a', 'b'] },
    ],
  })
})

test('what people may write into a field is told', (t) => {
  t.deepEqual(openFields(form).map(describeValues), ['', 'open, whitelist', 'true, false', 'JIDs', 'a whole number from 1 to 100', ''])
  const number = (min?: string, max?: string): FormField => ({ var: 'n', values: [], datatype: { name: 'xs:integer', min, max } })
  t.deepEqual([number(), number('1'), number(undefined, '9')].map(describeValues), [
    'a whole number',
    'a whole number of at least 1',
    'a whole number of at most 9',
  ])
  t.deepEqual(
    (['jid-single', 'text-multi'] as const).map((type) => describeValues({ var: 'f', type, values: [] })),
    ['a JID', 'lines'],
  )
})
