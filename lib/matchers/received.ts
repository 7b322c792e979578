import type { Drill, TakeoverSubject } from './subject.ts'

/**
 * The received value as a drill.
 * @throws TypeError that says what was received and how the matcher is called
 */
export function asDrill(matcher: string, received: unknown): Drill {
  if (isDrill(received)) return received
  throw wrong(matcher, 'a drill', `await expect(drill).${matcher}(…)`, received)
}

/**
 * The received value as a takeover.
 * @throws TypeError that says what was received and how the matcher is called
 */
export function asTakeover(matcher: string, received: unknown): TakeoverSubject {
  if (isTakeover(received)) return received
  throw wrong(matcher, 'a takeover', `expect(await failover.completed({ within: '60s' })).${matcher}()`, received)
}

/** True for what matchers can be called on as a drill. */
export function isDrill(value: unknown): value is Drill {
  return isObject(value) && 'findings' in value && typeof value.findings === 'function' && 'directory' in value
}

/** True for a takeover with its expectations. */
export function isTakeover(value: unknown): value is TakeoverSubject {
  return isObject(value) && 'detection' in value && 'takeover' in value && 'expectations' in value
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function wrong(matcher: string, needed: string, usage: string, received: unknown): TypeError {
  return new TypeError(`${matcher} is for ${needed}, but received ${describe(received)}. Write: ${usage}`)
}

function describe(value: unknown): string {
  if (value instanceof Promise) return 'a promise: something was not awaited'
  if (isDrill(value)) return 'a drill'
  if (isTakeover(value)) return 'a takeover'
  if (isObject(value)) return `an object (${value.constructor?.name ?? 'no class'})`
  return typeof value === 'string' ? `the text ${JSON.stringify(value)}` : String(value)
}
