import { BytestreamError, type ErrorCode, prepareJid } from '../../core/index.ts'
import { Pubsub } from '../../pubsub/index.ts'
import {
  type DataForm,
  type FieldDatatype,
  type FormField,
  type FormOption,
  formatDateTime,
  parseBoolean,
  parseDateTime,
} from '../../xep/index.ts'

/** How a value stands in the field of a form (XEP-0004 §3.3). */
export interface Kind<Value> {
  readonly type: string
  readonly options?: readonly FormOption[]
  readonly datatype?: FieldDatatype
  write(value: Value): readonly string[]
  /** @returns `undefined` for what it cannot be */
  read(values: readonly string[]): Value | undefined
}

/** A field, by a name of the registry (XEP-0060 §16.4). */
export interface Field<Value> extends Kind<Value> {
  readonly name: string
  readonly label: string
  /** What a wrong value is called, where it has a condition of its own. */
  readonly code?: ErrorCode
}

const single = <Value>(values: readonly string[], read: (value: string) => Value | undefined) =>
  values.length === 1 ? read(values[0] as string) : undefined

export const text: Kind<string> = {
  type: 'text-single',
  write: (value) => (value === '' ? [] : [value]),
  read: (values) => (values.length === 0 ? '' : single(values, (value) => value)),
}

/** What comes twice counts once (XEP-0004 §3.3). */
function eachOnce(values: readonly string[], prepare: (value: string) => string): readonly string[] | undefined {
  try {
    return [...new Set(values.filter((value) => value !== '').map(prepare))]
  } catch {
    return undefined // ERR_JID_MALFORMED is the only reason.
  }
}

export const list = (type: 'text-multi' | 'jid-multi'): Kind<readonly string[]> => ({
  type,
  write: (values) => values,
  read: (values) => eachOnce(values, type === 'jid-multi' ? prepareJid : (value) => value),
})

/** As they are known here, whoever writes them how. */
export const accounts: Kind<readonly string[]> = {
  type: 'jid-multi',
  write: (values) => values,
  read: (values) => eachOnce(values, Pubsub.accountOf),
}

export const yesOrNo: Kind<boolean> = {
  type: 'boolean',
  write: (value) => [value ? '1' : '0'],
  read: (values) => single(values, parseBoolean),
}

/** @param words with a text for people */
export const choice = <Word extends string>(words: Readonly<Record<Word, string>>): Kind<Word> => ({
  type: 'list-single',
  options: Object.entries<string>(words).map(([value, label]) => ({ value, label })),
  write: (value) => [value],
  read: (values) => single(values, (value) => (Object.hasOwn(words, value) ? (value as Word) : undefined)),
})

/** XEP-0060 §12.23. @param unit how many of ours one of the form's is */
export const numberOrMax = (unit = 1): Kind<number | 'max'> => ({
  type: 'text-single',
  datatype: { name: 'pubsub:integer-or-max' },
  write: (value) => [value === 'max' ? value : String(Math.ceil(value / unit))],
  read: (values) => single(values, (value) => (value === 'max' ? value : /^\d{1,12}$/.test(value) ? Number(value) * unit : undefined)),
})

/** XEP-0060 §12.19; nothing for never. */
export const dateTime: Kind<number | null> = {
  type: 'text-single',
  datatype: { name: 'xs:dateTime' },
  write: (value) => (value === null ? [] : [formatDateTime(value)]),
  read: (values) => (values.length === 0 || values[0] === '' ? null : single(values, parseDateTime)),
}

/** The field with a value in it, to be filled in or only read. */
export function writeField<Value>({ name, label, type, options, datatype, write }: Field<Value>, value: Value): FormField {
  return { var: name, label, type, values: write(value), ...(options && { options }), ...(datatype && { datatype }) }
}

/** @throws BytestreamError `code`, or that of the field, for a value it cannot have; nothing where the form does not have it */
export function readField<Value>(form: DataForm, field: Field<Value>, code: ErrorCode): Value | undefined {
  const found = form.fields.find((each) => each.var === field.name)
  if (!found) return undefined
  const value = field.read(found.values)
  if (value === undefined) {
    throw new BytestreamError(field.code ?? code, `${field.name} cannot be "${found.values.join(' ').slice(0, 100)}"`)
  }
  return value
}

/** What has to be told apart, and can only be one way here: a form may say so. */
export function checkFixed(form: DataForm, fixed: Readonly<Record<string, readonly string[]>>, code: ErrorCode): void {
  for (const { var: name, values } of form.fields) {
    const allowed = Object.hasOwn(fixed, name) ? fixed[name] : undefined
    if (allowed && values.some((value) => !allowed.includes(value))) {
      throw new BytestreamError(code, `${name} cannot be "${values.join(' ').slice(0, 100)}" here`)
    }
  }
}
