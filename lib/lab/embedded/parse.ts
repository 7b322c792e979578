/**
 * Parses JSON that another program of the same lab wrote. Both ends are of one build, so its shape is not checked: the lab's
 * processes do without a schema library for the sake of their start time.
 */
export function parseOwn<T>(text: string): T {
  return JSON.parse(text) as T
}

/** Views a message that came over IPC from another program of the same lab; see {@link parseOwn}. */
export function asOwn<T>(message: unknown): T {
  return message as T
}

/** The value as an object with unknown members, or undefined if it is none. */
export function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined
}

/** The value as text, or undefined if it is none. */
export function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
