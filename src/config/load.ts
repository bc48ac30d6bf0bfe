import { readFileSync } from 'node:fs'
import { parse as parseToml, TomlError } from 'smol-toml'
import * as z from 'zod'
import { BytestreamError } from '../core/index.ts'
import { Identity, type IdentityInit, readCertificates } from '../tls/index.ts'

/** One setting: a flag, an environment variable and a key of the configuration file, all with the same meaning. */
export interface Option<T extends z.ZodType = z.ZodType> {
  readonly type: T
  /** How its value is shown in help, such as `HOST:PORT`; a switch has none. */
  readonly placeholder?: string
  /** Whether it can be given several times. */
  readonly isList?: boolean
  /** One sentence, with the default. */
  readonly description: string
}

/** Settings by their name: `half-open-max` is `--half-open-max`, `STREAMHOST_HALF_OPEN_MAX`, and a key of that name. */
export type Options = Readonly<Record<string, Option>>

/** The settings of `O` after they were read. */
export type Settings<O extends Options> = { readonly [K in keyof O]: z.output<O[K]['type']> }

/** Where settings come from; a flag beats the environment, and that the file. */
export interface Sources {
  /** By name of the option, as the command line gave them. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Path of a TOML file. */
  readonly file?: string | undefined
}

/** The words a setting of that type can be; none where it can be anything. */
export function wordsOf(type: z.core.$ZodType): readonly string[] {
  if (type instanceof z.ZodEnum) return type.options.map(String)
  if (type instanceof z.ZodDefault || type instanceof z.ZodOptional) return wordsOf(type.unwrap())
  if (type instanceof z.ZodArray) return wordsOf(type.element)
  if (type instanceof z.ZodUnion) return type.options.map(wordsOf).find((words) => words.length > 0) ?? []
  return []
}

export const variableOf = (name: string) => `STREAMHOST_${name.toUpperCase().replaceAll('-', '_')}`

/** Variables that are no settings. */
const OTHER_VARIABLES = ['CONFIG', 'NO_NATIVE', 'SECRET', 'PASSWORD', 'PEER_PASSWORD', 'STRANGER_PASSWORD'].map(
  (name) => `STREAMHOST_${name}`,
)

/** Names in the environment that look like settings, and are none of `all`: they do nothing. */
export function unknownVariables(all: readonly Options[], environment: Sources['environment']): readonly string[] {
  const known = new Set([...OTHER_VARIABLES, ...all.flatMap((options) => Object.keys(options).map(variableOf))])
  return Object.keys(environment).filter((name) => name.startsWith('STREAMHOST_') && !known.has(name))
}

/**
 * Reads settings: flags beat the environment, the environment beats the file, the file beats the defaults.
 *
 * @throws BytestreamError `ERR_CONFIG`, naming where the value came from, the value, and what was expected
 */
export function loadSettings<O extends Options>(options: O, { flags, environment, file }: Sources): Settings<O> {
  const fromFile = file === undefined ? {} : readConfigFile(file, options)
  const settings: Record<string, unknown> = {}
  for (const [name, option] of Object.entries(options)) {
    const variable = variableOf(name)
    const given: readonly [source: string, value: unknown][] = [
      [`--${name}`, flags[name]],
      [variable, splitList(environment[variable], option)],
      [`${name} in ${file}`, fromFile[name]],
    ]
    const [source, value] = given.find(([, candidate]) => candidate !== undefined) ?? [`--${name}`, undefined]
    settings[name] = parseValue(option, value, source)
  }
  return settings as Settings<O>
}

function splitList(value: string | undefined, { isList = false }: Option): unknown {
  if (value === undefined || value === '') return undefined
  return isList ? value.split(',').map((item) => item.trim()) : value
}

function parseValue({ type, placeholder, description }: Option, value: unknown, source: string): unknown {
  const result = type.safeParse(value)
  if (result.success) return result.data
  if (value === undefined)
    throw new BytestreamError('ERR_CONFIG', `${source} is missing: expected ${placeholder ?? 'a value'}, ${description}`)
  const [wrong, message] = firstIssue(result.error.issues, value)
  throw new BytestreamError('ERR_CONFIG', `${source}: ${JSON.stringify(wrong)} is wrong: ${message}`)
}

/** The innermost complaint, and the item of a list it is about. */
function firstIssue(issues: readonly z.core.$ZodIssue[], value: unknown): [wrong: unknown, message: string] {
  const [issue] = issues
  if (issue?.code === 'invalid_union') {
    const branch =
      issue.errors.find((errors) => errors.some(({ code }) => code === 'custom')) ??
      issue.errors.find((errors) => errors.some(({ path }) => path.length > 0))
    if (branch) return firstIssue(branch, value)
  }
  const [index] = issue?.path ?? []
  const wrong = Array.isArray(value) && typeof index === 'number' ? value[index] : value
  return [wrong, issue?.message ?? 'it is not understood']
}

function readConfigFile(path: string, options: Options): Readonly<Record<string, unknown>> {
  const table = readToml('--config', path)
  for (const key of Object.keys(table)) {
    if (!(key in options))
      throw new BytestreamError('ERR_CONFIG', `${path}: there is no setting "${key}"; there are ${Object.keys(options).join(', ')}`)
  }
  return table
}

/**
 * Reads a secret from a file, or else from an environment variable; never from the command line, which other users
 * of a machine can see.
 *
 * @returns the first line
 * @throws BytestreamError `ERR_CONFIG` when neither is there, or the file is empty or cannot be read
 */
export function loadSecret(
  what: string,
  {
    option,
    file,
    variable,
    environment,
  }: { option: string; file: string | undefined; variable: string; environment: Sources['environment'] },
): string {
  const fromEnvironment = environment[variable]
  if (file === undefined && fromEnvironment) return fromEnvironment
  if (file === undefined)
    throw new BytestreamError('ERR_CONFIG', `the ${what} is missing: put it into a file and name it with --${option}, or set ${variable}`)
  let secret: string | undefined
  try {
    secret = readFileSync(file, 'utf8').split(/\r?\n/)[0]
  } catch (cause) {
    throw new BytestreamError('ERR_CONFIG', `--${option}: the ${what} cannot be read: ${(cause as Error).message}`, { cause })
  }
  if (!secret) throw new BytestreamError('ERR_CONFIG', `--${option}: ${file} is empty; its first line is the ${what}`)
  return secret
}

/**
 * Reads a file of certificates.
 *
 * @returns its text, in PEM
 * @throws BytestreamError `ERR_CONFIG` when it cannot be read, or holds no certificate
 */
export function loadCertificates(option: string, file: string): string {
  try {
    const pem = readFileSync(file, 'utf8')
    readCertificates(pem)
    return pem
  } catch (cause) {
    throw new BytestreamError('ERR_CONFIG', `--${option}: ${file} cannot be used: ${(cause as Error).message}`, { cause })
  }
}

/**
 * Reads the certificate of the embedded server, and its key.
 *
 * @returns `undefined` when neither is set
 * @throws BytestreamError `ERR_CONFIG` when one is set without the other, or they are not what they should be
 */
export function loadIdentity(cert: string | undefined, key: string | undefined): IdentityInit | undefined {
  if (cert === undefined && key === undefined) return undefined
  if (cert === undefined || key === undefined)
    throw new BytestreamError('ERR_CONFIG', '--embedded-tls-cert and --embedded-tls-key belong together: set both, or none')
  try {
    const identity = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
    new Identity(identity)
    return identity
  } catch (cause) {
    const message = `--embedded-tls-cert ${cert}, --embedded-tls-key ${key} cannot be used: ${(cause as Error).message}`
    throw new BytestreamError('ERR_CONFIG', message, { cause })
  }
}

/**
 * Reads the accounts of the embedded server: a TOML file of `name = "password"`.
 *
 * @throws BytestreamError `ERR_CONFIG`
 */
export function loadAccounts(file: string): { local: string; password: string }[] {
  const table = readToml('--embedded-accounts-file', file)
  return Object.entries(table).map(([local, password]) => {
    if (typeof password !== 'string' || password === '')
      throw new BytestreamError('ERR_CONFIG', `${file}: the password of "${local}" is not a text: write name = "password"`)
    return { local, password }
  })
}

function readToml(option: string, path: string): Readonly<Record<string, unknown>> {
  try {
    return parseToml(readFileSync(path, 'utf8'))
  } catch (cause) {
    const why =
      cause instanceof TomlError ? `line ${cause.line}, column ${cause.column}: ${cause.message.split('\n')[0]}` : (cause as Error).message
    throw new BytestreamError('ERR_CONFIG', `${option} ${path} cannot be read: ${why}`, { cause })
  }
}
