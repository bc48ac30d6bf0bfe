import { BytestreamError } from '../core/index.ts'
import { type DataForm, type FormField, parseBoolean } from '../xep/index.ts'

/** New values of fields, by their names; `title` is as good as `pubsub#title`. */
export type FieldChanges = Readonly<Record<string, string | number | boolean | readonly string[]>>

/** What the fields of XEP-0060's forms begin with. */
const PREFIX = 'pubsub#'

/** Types that have one value at most (XEP-0004 §3.3). */
const SINGLE: readonly string[] = ['boolean', 'hidden', 'jid-single', 'list-single', 'text-private', 'text-single']

/** The name of a field as people write it: without what all have in common. */
export function shortName(name: string): string {
  return name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name
}

/** Fields of a form that somebody can fill in. */
export function openFields(form: DataForm): readonly FormField[] {
  return form.fields.filter(({ var: name, type }) => name !== '' && type !== 'fixed' && type !== 'hidden')
}

/**
 * Fills in a form: what is not changed stays as it is.
 *
 * @throws BytestreamError `ERR_CONFIG` for a field the form does not have, and for a value it cannot hold; the message says
 *   what there is
 * @see XEP-0004 §3.2
 */
export function fillForm(form: DataForm, changes: FieldChanges): DataForm {
  const changed = new Map<FormField, readonly string[]>()
  for (const [name, value] of Object.entries(changes)) {
    const field = fieldCalled(form, name)
    if (changed.has(field)) throw new BytestreamError('ERR_CONFIG', `${shortName(field.var)} is set twice`)
    changed.set(field, checkedValues(field, valuesOf(value)))
  }
  const filled = form.fields.flatMap((field) => {
    const values = changed.get(field) ?? field.values
    return field.var === '' || field.type === 'fixed' || values.length === 0 ? [] : [{ var: field.var, type: field.type, values }]
  })
  return { type: 'submit', formType: form.formType, fields: filled }
}

/** The same for a form nobody has shown: its fields are taken as they are named. */
export function submitFields(formType: string, changes: FieldChanges): DataForm {
  const fields = Object.entries(changes).map(([name, value]) => ({
    var: name.includes('#') ? name : `${PREFIX}${name}`,
    values: valuesOf(value),
  }))
  return { type: 'submit', formType, fields }
}

const valuesOf = (value: FieldChanges[string]): readonly string[] => (typeof value === 'object' ? value : [String(value)])

function fieldCalled(form: DataForm, name: string): FormField {
  const fields = openFields(form)
  const field = fields.find((each) => each.var === name) ?? fields.find((each) => each.var === `${PREFIX}${name}`)
  if (field) return field
  throw new BytestreamError('ERR_CONFIG', `there is no field ${name}: there are ${fields.map((each) => shortName(each.var)).join(', ')}`)
}

/** @throws BytestreamError `ERR_CONFIG` */
function checkedValues(field: FormField, values: readonly string[]): readonly string[] {
  const { type = 'text-single', var: name, options = [] } = field
  const refuse = (why: string) => new BytestreamError('ERR_CONFIG', `${shortName(name)} ${why}`)
  if (values.length > 1 && SINGLE.includes(type)) throw refuse('has one value')
  for (const value of values) {
    if (type === 'boolean' && parseBoolean(value) === undefined) throw refuse(`is true or false, not ${value}`)
    if (type.startsWith('list-') && options.length > 0 && !options.some((option) => option.value === value)) {
      throw refuse(`is one of ${options.map((option) => option.value || '""').join(', ')}, not ${value || '""'}`)
    }
    const bounds = boundsOf(field)
    if (bounds && !isWithin(value, bounds)) throw refuse(`is a whole number${rangeText(bounds)}, not ${value || '""'}`)
  }
  return values
}

interface Bounds {
  readonly min: number
  readonly max: number
}

/** Of a field that holds a whole number; `undefined` for any other (XEP-0122 §3). */
function boundsOf({ datatype }: FormField): Bounds | undefined {
  if (datatype === undefined || !/^xs:(integer|int|long|nonNegativeInteger|positiveInteger)$/.test(datatype.name)) return undefined
  return { min: numberOr(datatype.min, -Infinity), max: numberOr(datatype.max, Infinity) }
}

function numberOr(digits: string | undefined, other: number): number {
  return digits !== undefined && /^-?\d{1,15}$/.test(digits) ? Number(digits) : other
}

const isWithin = (value: string, { min, max }: Bounds) => /^-?\d{1,15}$/.test(value) && Number(value) >= min && Number(value) <= max

function rangeText({ min, max }: Bounds): string {
  if (min === -Infinity && max === Infinity) return ''
  if (max === Infinity) return ` of at least ${min}`
  return min === -Infinity ? ` of at most ${max}` : ` from ${min} to ${max}`
}

/** What a field can hold, for people: its words, or what kind of value; empty for any text. */
export function describeValues(field: FormField): string {
  const { type = 'text-single', options = [] } = field
  if (options.length > 0) return options.map(({ value }) => value || '""').join(', ')
  if (type === 'boolean') return 'true, false'
  const bounds = boundsOf(field)
  if (bounds) return `a whole number${rangeText(bounds)}`
  if (type.startsWith('jid-')) return type === 'jid-multi' ? 'JIDs' : 'a JID'
  return type === 'text-multi' ? 'lines' : ''
}
