/** One invalid option. */
export interface OptionIssue {
  /** Names from the outermost object to the option; empty = the object itself. */
  readonly path: readonly PropertyKey[]
  /** The allowed values, and the given value. */
  readonly message: string
}

/** Outcome of {@link OptionSchema.safeParse}. */
export type OptionResult<T> =
  | { readonly success: true; readonly data: T }
  | { readonly success: false; readonly error: { readonly issues: readonly OptionIssue[] } }

/** A schema for {@link parseOptions}: a {@link record} of this file, or a schema of a validator with the same method (zod, valibot in part). */
export interface OptionSchema<T> {
  safeParse(value: unknown): OptionResult<T>
}

/**
 * Reads one option, and adds its issues to `issues`, with paths from this option on. An absent option and an option that is
 * `undefined` are the same.
 */
export type OptionReader<T> = (value: unknown, issues: OptionIssue[]) => T

/** A reader of an object of options: by {@link OptionSchema.safeParse}, or as an option of another object. */
export interface OptionRecord<T> extends OptionSchema<T> {
  readonly read: OptionReader<T>
  /** The same options, with other defaults. */
  over(defaults: T): OptionRecord<T>
}

/** @returns `undefined`, which no caller sees: an issue refuses the whole object */
function refuse<T>(issues: OptionIssue[], message: string, path: readonly PropertyKey[] = []): T {
  issues.push({ path, message })
  return undefined as T
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined) return String(value)
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`
}

/** A whole number from `least` to `most`. */
export function whole(least: number, most: number): OptionReader<number> {
  return (value, issues) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
    return refuse(issues, `must be a whole number from ${least} to ${most}, not ${shown(value)}`)
  }
}

/** One of some strings. */
export function oneOf<const T extends string>(allowed: readonly T[]): OptionReader<T> {
  return (value, issues) => {
    const found = allowed.find((one) => one === value)
    return found ?? refuse(issues, `must be ${allowed.map((one) => JSON.stringify(one)).join(' or ')}, not ${shown(value)}`)
  }
}

/** `true` or `false`. */
export const flag: OptionReader<boolean> = (value, issues) =>
  typeof value === 'boolean' ? value : refuse(issues, `must be true or false, not ${shown(value)}`)

/** An option that has a default. */
export function withDefault<T>(read: OptionReader<T>, fallback: T): OptionReader<T> {
  return (value, issues) => (value === undefined ? fallback : read(value, issues))
}

/** An option that may be left out. */
export function optional<T>(read: OptionReader<T>): OptionReader<T | undefined> {
  return (value, issues) => (value === undefined ? undefined : read(value, issues))
}

/**
 * An object of these options. Any other option is an issue.
 * @param check - looks at the whole object when every option is right by itself; returns the message of an issue
 */
export function record<T extends object>(
  readers: { readonly [K in keyof T]: OptionReader<T[K]> },
  check: (options: T) => string | undefined = () => undefined,
): OptionRecord<T> {
  const absent = {} as T
  const required: (keyof T)[] = []
  for (const name of Object.keys(readers) as (keyof T)[]) {
    const missing: OptionIssue[] = []
    absent[name] = readers[name](undefined, missing)
    if (missing.length > 0) required.push(name)
  }
  return recordOver(readers, check, absent, required)
}

/** @param absent - values of the options that are left out; computed beforehand, so that an object of few options costs little to read */
function recordOver<T extends object>(
  readers: { readonly [K in keyof T]: OptionReader<T[K]> },
  check: (options: T) => string | undefined,
  absent: T,
  required: readonly (keyof T)[],
): OptionRecord<T> {
  const names = Object.keys(readers) as (keyof T)[]
  const read: OptionReader<T> = (value, issues) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(issues, `must be an object, not ${shown(value)}`)
    const before = issues.length
    const unknown = (name: PropertyKey) => refuse(issues, `is no option; there are ${names.join(', ') || 'none'}`, [name])
    for (const name of Object.keys(value)) if (!Object.hasOwn(readers, name)) unknown(name)
    for (const name of Object.getOwnPropertySymbols(value)) unknown(name)
    const options = { ...absent }
    for (const name of names) {
      const given = (value as Partial<T>)[name]
      if (given === undefined && !required.includes(name)) continue
      const known = issues.length
      options[name] = readers[name](given, issues)
      for (let at = known; at < issues.length; at++) {
        const { path, message } = issues[at] as OptionIssue
        issues[at] = { path: [name, ...path], message }
      }
    }
    const wrong = issues.length === before ? check(options) : undefined
    return wrong === undefined ? options : refuse(issues, wrong)
  }
  return {
    read,
    over: (defaults) => recordOver(readers, check, defaults, []),
    safeParse(value) {
      const issues: OptionIssue[] = []
      const data = read(value, issues)
      return issues.length === 0 ? { success: true, data } : { success: false, error: { issues } }
    },
  }
}
