import { parseArgs } from 'node:util'
import { z } from 'zod'
import { BenchFailure, messageOf } from './failure.js'

/** One option of a command: its syntax, its help, its parser. */
export interface OptionSpec<S extends z.ZodType = z.ZodType> {
  /** As in `--size BYTES`; absent for a switch. */
  value?: string
  /** One line for the help. */
  help: string
  /** Reads the text after the option (`true` for a switch); also holds the default. */
  schema: S
}

/** The options of one command by name, without the dashes. */
export type OptionSpecs = Record<string, OptionSpec>

/** Result of {@link parseCommandLine} for some specs. */
export type OptionValues<T extends OptionSpecs> = { [K in keyof T]: z.output<T[K]['schema']> }

/** Ends the reading: the user asked for `--help`. */
export class HelpWanted extends Error {}

const UNIT_FACTORS: Record<string, number> = { '': 1, K: 1_024, M: 1_048_576, G: 1_073_741_824 }

/** A whole number, with `K`, `M`, `G` as binary multiples where `units` is true. */
function whole(min: number, max: number, units = false): z.ZodType<number, unknown> {
  return z.string().transform((text, context) => {
    const match = /^(\d{1,15})([KMG]?)$/u.exec(text)
    const value = match === null || (!units && match[2] !== '') ? Number.NaN : Number(match[1]) * (UNIT_FACTORS[match[2] ?? ''] ?? 1)
    if (value >= min && value <= max) return value
    context.addIssue(`"${text}" is not a whole number from ${min} to ${max}${units ? ' (K, M and G multiply by 1024)' : ''}`)
    return z.NEVER
  })
}

/**
 * A comma-separated list of distinct words out of `allowed`, in the order given.
 * @param groups - words that stand for several
 */
function words<const T extends readonly string[]>(
  allowed: T,
  groups: Readonly<Record<string, readonly T[number][]>> = {},
): z.ZodType<T[number][], unknown> {
  return z.string().transform((text, context) => {
    const named = text.split(',').map((word) => word.trim())
    const given = named.flatMap((word) => (Object.hasOwn(groups, word) ? (groups[word] ?? []) : word))
    const unknown = given.filter((word) => !allowed.includes(word))
    if (unknown.length === 0) return [...new Set(given)] as T[number][]
    const known = [...allowed, ...Object.keys(groups)]
    context.addIssue(`unknown ${unknown.map((word) => `"${word}"`).join(', ')}; known are ${known.join(', ')}`)
    return z.NEVER
  })
}

/** A comma-separated list of whole numbers, with units as for one. */
function wholes(min: number, max: number, units = false): z.ZodType<number[], unknown> {
  return z
    .string()
    .transform((text): unknown[] => [...new Set(text.split(',').map((word) => word.trim()))])
    .pipe(z.array(whole(min, max, units)))
}

/** `HOST:PORT` or `[HOST]:PORT`. */
const endpoint = z.string().transform((text, context) => {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/u.exec(text)
  const port = Number(match?.[3])
  if (match !== null && port >= 1 && port <= 65_535) return { host: (match[1] ?? match[2]) as string, port }
  context.addIssue(`"${text}" is not HOST:PORT (an IPv6 address stands in brackets)`)
  return z.NEVER
})

/** A host and a port, as `--to` gives them. */
export type Endpoint = z.output<typeof endpoint>

/** Builders of option schemas, which parse the text after the option. */
export const read = { whole, wholes, words, endpoint, path: z.string().min(1), flag: z.boolean() }

/** The default at the end of a help, which {@link withDefault} replaces. */
const DEFAULT_TEXT = / \(default [^()]*\)$/u

/** An option with a command's own default, which its help names. */
export function withDefault<S extends z.ZodType>(spec: OptionSpec<S>, value: string | number): OptionSpec<z.ZodPrefault<S>> {
  return {
    ...spec,
    help: `${spec.help.replace(DEFAULT_TEXT, '')} (default ${value})`,
    schema: spec.schema.prefault(String(value) as z.input<S>),
  }
}

/** Options as they were given, by name: the text, or `true` for a switch. */
export type GivenOptions = Record<string, string | true>

/**
 * Reads the arguments of a command.
 * @param args - without the program and the command's name
 * @throws BenchFailure in one line that names the option; {@link HelpWanted} for `--help`
 */
export function parseCommandLine<T extends OptionSpecs>(args: readonly string[], specs: T): OptionValues<T> {
  return optionValues(givenOptions(args, specs), specs)
}

/**
 * Splits the arguments into options, without reading their values.
 * @throws as {@link parseCommandLine}
 */
export function givenOptions(args: readonly string[], specs: OptionSpecs): GivenOptions {
  const options = Object.fromEntries([
    ...Object.entries(specs).map(([name, spec]) => [name, { type: spec.value === undefined ? 'boolean' : 'string' }] as const),
    ['help', { type: 'boolean', short: 'h' }] as const,
  ])
  let values: Record<string, unknown>
  try {
    values = parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values
  } catch (error) {
    // Only some of Node.js' messages end with a full stop.
    throw new BenchFailure(`${messageOf(error).replace(/[^.]$/u, '$&.')} See --help.`, undefined, error)
  }
  if (values.help === true) throw new HelpWanted()
  return { ...values } as GivenOptions
}

/**
 * Reads the values of options, and fills in the defaults.
 * @throws BenchFailure in one line that names the option
 */
export function optionValues<T extends OptionSpecs>(values: GivenOptions, specs: T): OptionValues<T> {
  const result: Record<string, unknown> = {}
  for (const [name, spec] of Object.entries(specs)) {
    const parsed = spec.schema.safeParse(values[name])
    if (!parsed.success) throw new BenchFailure(`--${name}: ${parsed.error.issues.map((issue) => issue.message).join('; ')}. See --help.`)
    result[name] = parsed.data
  }
  return result as OptionValues<T>
}

/** The help text of a command. */
export function helpText(usage: string, about: string, specs: OptionSpecs): string {
  const names = Object.entries(specs).map(([name, spec]) => `  --${name}${spec.value === undefined ? '' : ` ${spec.value}`}`)
  const indent = Math.max(0, ...names.map((name) => name.length)) + 2
  const lines = Object.values(specs).map((spec, at) => `${(names[at] ?? '').padEnd(indent)}${spec.help}`)
  return [`Usage: ${usage}`, '', about, '', ...lines, ''].join('\n')
}
