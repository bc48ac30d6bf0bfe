import { BytestreamError } from '../core/index.ts'
import { CHARACTERS_MAX } from './bounded.ts'
import { attribute, type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

/** XEP-0004 §3.1: a question, its answer, something told, or the answer that there is none. */
export type DataFormType = 'form' | 'submit' | 'result' | 'cancel'

const TYPES: readonly string[] = ['form', 'submit', 'result', 'cancel'] satisfies DataFormType[]

/** One answer a choice has. */
export interface FormOption {
  readonly value: string
  readonly label?: string | undefined
}

/** What a value has to be (XEP-0122 §3), as far as it is told by a datatype and its bounds. */
export interface FieldDatatype {
  /** Such as `xs:integer`. */
  readonly name: string
  readonly min?: string | undefined
  readonly max?: string | undefined
}

/** A field of a form: what it is called, what it holds, and what there is to choose from. */
export interface FormField {
  /** Empty where a text for people (`fixed`) has no name. */
  readonly var: string
  /** `text-single` where none is given (XEP-0004 §3.3). */
  readonly type?: string | undefined
  readonly label?: string | undefined
  readonly description?: string | undefined
  readonly isRequired?: boolean
  readonly values: readonly string[]
  readonly options?: readonly FormOption[]
  readonly datatype?: FieldDatatype | undefined
}

/** A data form (XEP-0004), without the tables of results (§3.4). */
export interface DataForm {
  readonly type: DataFormType
  /** What its fields mean (XEP-0068). */
  readonly formType?: string | undefined
  readonly title?: string | undefined
  readonly instructions?: readonly string[]
  readonly fields: readonly FormField[]
}

const FORM_TYPE = 'FORM_TYPE'
/** Fields of a form that is submitted. */
const FIELDS_MAX = 256
/** Values of one of them. */
const VALUES_MAX = 1_024

/**
 * ```xml
 * <x xmlns='jabber:x:data' type='submit'>
 *   <field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/pubsub#node_config</value></field>
 *   <field var='pubsub#access_model'><value>whitelist</value></field>
 * </x>
 * ```
 * @see XEP-0004 §3, XEP-0068 §3.1
 */
export function buildForm({ type, formType, title, instructions = [], fields }: DataForm): Element {
  const first: FormField[] = formType ? [{ var: FORM_TYPE, type: 'hidden', values: [formType] }] : []
  return xml(
    'x',
    { xmlns: NS.dataForms, type },
    title ? xml('title', {}, title) : undefined,
    ...instructions.map((text) => xml('instructions', {}, text)),
    ...[...first, ...fields].map(buildField),
  )
}

function buildField({ var: name, type, label, description, isRequired, values, options = [], datatype }: FormField): Element {
  const value = (text: string) => xml('value', {}, text)
  return xml(
    'field',
    { var: name || undefined, type, label },
    datatype && buildDatatype(datatype),
    description ? xml('desc', {}, description) : undefined,
    isRequired ? xml('required') : undefined,
    ...options.map((option) => xml('option', { label: option.label }, value(option.value))),
    ...values.map(value),
  )
}

function buildDatatype({ name, min, max }: FieldDatatype): Element {
  const method = min === undefined && max === undefined ? xml('basic') : xml('range', { min, max })
  return xml('validate', { xmlns: NS.dataValidation, datatype: name }, method)
}

/** The form, for whatever it holds: options without a value are left out, and so are fields without a name unless they are text. */
export function parseForm(form: Element): DataForm {
  const text = (name: string) => form.getChildren(name, NS.dataForms).map((child) => child.text())
  const given = attribute(form, 'type') ?? ''
  const type = TYPES.includes(given) ? (given as DataFormType) : 'form'
  const fields: FormField[] = []
  let formType: string | undefined
  for (const field of form.getChildren('field', NS.dataForms).flatMap(parseField)) {
    // XEP-0068 §3.2: elsewhere than in an answer, a field of that name which is not hidden is another field.
    const tells = field.var === FORM_TYPE && (field.type === 'hidden' || type === 'submit' || type === 'cancel')
    if (tells) formType ??= field.values[0]
    else fields.push(field)
  }
  return { type, formType, title: text('title')[0] || undefined, instructions: text('instructions'), fields }
}

function parseField(field: Element): FormField[] {
  const name = attribute(field, 'var') ?? ''
  const type = attribute(field, 'type')
  if (!name && type !== 'fixed') return []
  const values = field.getChildren('value', NS.dataForms).map((value) => value.text())
  const options = field.getChildren('option', NS.dataForms).flatMap((option) => {
    const value = option.getChildText('value', NS.dataForms)
    return value === null ? [] : [{ value, label: attribute(option, 'label') }]
  })
  return [
    {
      ...{ var: name, type, label: attribute(field, 'label'), values, options },
      description: field.getChildText('desc', NS.dataForms) || undefined,
      isRequired: field.getChild('required', NS.dataForms) !== undefined,
      datatype: parseDatatype(field),
    },
  ]
}

function parseDatatype(field: Element): FieldDatatype | undefined {
  const validation = field.getChild('validate', NS.dataValidation)
  if (!validation) return undefined
  const range = validation.getChild('range', NS.dataValidation)
  const bound = (name: string) => (range ? attribute(range, name) : undefined)
  return { name: attribute(validation, 'datatype') || 'xs:string', min: bound('min'), max: bound('max') }
}

/**
 * Reads the one form inside `parent` that somebody submits, or cancels.
 *
 * @param formType what its fields must mean; a form that does not say is taken to mean it
 * @returns `undefined` where there is none
 * @throws BytestreamError `ERR_BAD_REQUEST` for several forms, one that is neither, a FORM_TYPE that is another, a field
 *   that comes twice, and more than can be kept
 * @see XEP-0004 §3.1, XEP-0068 §3.2
 */
export function parseSubmission(parent: Element, formType: string): DataForm | undefined {
  const [element, ...others] = parent.getChildren('x', NS.dataForms)
  if (!element) return undefined
  const refuse = (why: string) => new BytestreamError('ERR_BAD_REQUEST', why)
  if (others.length > 0) throw refuse('there are several forms where one is due')
  const type = attribute(element, 'type')
  if (type !== 'submit' && type !== 'cancel') throw refuse('the form is neither submitted nor cancelled')
  if (element.children.length > 3 * FIELDS_MAX) throw refuse(`the form has more than ${FIELDS_MAX} fields`)
  const form = parseForm(element)
  if (form.formType !== undefined && form.formType !== formType) throw refuse(`the FORM_TYPE is not ${formType}`)
  if (form.fields.length > FIELDS_MAX) throw refuse(`the form has more than ${FIELDS_MAX} fields`)
  if (new Set(form.fields.map((field) => field.var)).size < form.fields.length) throw refuse('a field of the form comes twice')
  for (const { var: name, values } of form.fields) {
    if (values.length > VALUES_MAX) throw refuse(`a field of the form has more than ${VALUES_MAX} values`)
    if ([name, ...values].some((text) => text.length > CHARACTERS_MAX)) {
      throw refuse(`a field of the form has more than ${CHARACTERS_MAX} characters`)
    }
  }
  return form
}
