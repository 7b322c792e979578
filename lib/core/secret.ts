import { registerSecret } from './redaction.ts'

const values = new WeakMap<Secret, string>()

/** A value that cannot be printed: every way to turn it into text yields `[secret]`. Read it with {@link reveal}. */
export class Secret {
  constructor(value: string) {
    values.set(this, value)
    registerSecret(value)
  }
  toString(): string {
    return '[secret]'
  }
  toJSON(): string {
    return '[secret]'
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]'
  }
}

/** The value of a secret, to be handed straight to the protocol that needs it. */
export function reveal(secret: Secret): string {
  const value = values.get(secret)
  if (value === undefined) throw new TypeError('this secret was not made by this copy of the library')
  return value
}
