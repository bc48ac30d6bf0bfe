import { attribute, type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

/** A field of a form: its values, and for a choice the options. */
export interface FormField {
  readonly var: string
  readonly type?: string | undefined
  readonly values: readonly string[]
  readonly options?: readonly string[]
}

/**
 * ```xml
 * <x xmlns='jabber:x:data' type='submit'>
 *   <field var='stream-method'><value>http://jabber.org/protocol/bytestreams</value></field>
 * </x>
 * ```
 * @see XEP-0004 §3
 */
export function buildForm(type: 'form' | 'submit' | 'result' | 'cancel', fields: readonly FormField[]): Element {
  return xml('x', { xmlns: NS.dataForms, type }, ...fields.map(buildField))
}

function buildField({ var: name, type, values, options = [] }: FormField): Element {
  const value = (text: string) => xml('value', {}, text)
  return xml('field', { var: name, type }, ...values.map(value), ...options.map((option) => xml('option', {}, value(option))))
}

/** The fields of a form; those without a `var`, and options without a value, are left out. */
export function parseForm(form: Element): FormField[] {
  return form.getChildren('field', NS.dataForms).flatMap((field) => {
    const name = attribute(field, 'var')
    if (!name) return []
    const values = field.getChildren('value', NS.dataForms).map((value) => value.text())
    const options = field.getChildren('option', NS.dataForms).flatMap((option) => option.getChildText('value', NS.dataForms) ?? [])
    return [{ var: name, type: attribute(field, 'type'), values, options }]
  })
}
