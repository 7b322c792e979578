import { Secret } from '../core/index.ts'
import type { ValueType } from './configuration-keys.ts'

/** What each type is read as. */
export interface CastResult {
  rstring: string
  secret: Secret
  int32: number
  uint8: number
  float64: number
  boolean: boolean
}

const WHOLE = /^[+-]?\d+$/
const REAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

/** An SPL cast from rstring: strict, without room for blanks or units. Undefined where the real one throws. */
export function castValue<T extends ValueType>(type: T, text: string): CastResult[T] | undefined
export function castValue(type: ValueType, text: string): CastResult[ValueType] | undefined {
  switch (type) {
    case 'rstring':
      return text
    case 'secret':
      return new Secret(text)
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : undefined
    case 'int32':
      return whole(text, -(2 ** 31), 2 ** 31 - 1)
    case 'uint8':
      return whole(text, 0, 255)
    case 'float64':
      return REAL.test(text) && Number.isFinite(Number(text)) ? Number(text) : undefined
  }
}

function whole(text: string, low: number, high: number): number | undefined {
  const value = WHOLE.test(text) ? Number(text) : NaN
  return value >= low && value <= high ? value : undefined
}
