import { redact } from '../core/index.ts'

/** Depth to which nested causes and details of an error are cleaned. */
const DEPTH = 6

/** Replaces every known secret in the texts of errors, in place, before they travel to the reporters. */
export function redactErrors(errors: readonly unknown[] | undefined): void {
  for (const error of errors ?? []) clean(error, DEPTH)
}

const KEY = Symbol.for('streams-failover.redact-unhandled')

/**
 * Cleans errors that nobody handles before anyone is told of them. It is not a listener of its own: where there is one beside its
 * own, Vitest takes an unhandled error for handled, and the run would be green.
 */
export function redactUnhandled(): void {
  if (Reflect.get(process, KEY) === true) return
  Reflect.set(process, KEY, true)
  const emit = process.emit.bind(process)
  Reflect.set(process, 'emit', (event: string | symbol, ...details: unknown[]): boolean => {
    if (event === 'unhandledRejection' || event === 'uncaughtException') redactErrors(details.slice(0, 1))
    return Reflect.apply(emit, process, [event, ...details]) === true
  })
}

function clean(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null || depth === 0) return
  for (const key of Object.getOwnPropertyNames(value)) {
    const member: unknown = Reflect.get(value, key)
    if (typeof member === 'string') {
      const redacted = redact(member)
      if (redacted !== member) Reflect.set(value, key, redacted)
    } else {
      clean(member, depth - 1)
    }
  }
}
