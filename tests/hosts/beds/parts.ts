import { messageOf } from '../../../lib/core/index.ts'

/** Things that are to be ended together, the last first. */
export interface Parts extends AsyncDisposable {
  /** Takes charge of a thing. */
  use<T extends AsyncDisposable>(part: T): T
  /** Has something done at the end. */
  defer(end: () => Promise<void>): void
}

/** An empty collection. At its end every part is ended, also after one that cannot be. */
export function collectParts(): Parts {
  const ends: (() => Promise<void>)[] = []
  return {
    use(part) {
      ends.push(async () => part[Symbol.asyncDispose]())
      return part
    },
    defer: (end) => void ends.push(end),
    async [Symbol.asyncDispose]() {
      const failures: unknown[] = []
      for (const end of ends.splice(0).reverse()) await end().catch((error: unknown) => failures.push(error))
      if (failures.length > 0) throw new AggregateError(failures, failures.map(messageOf).join('; '))
    },
  }
}
