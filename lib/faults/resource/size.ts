import { z } from 'zod'

/** An amount of memory or disk space with its unit (1 kb = 1024 bytes), as in `'512kb'`, `'1mb'`, `'2.5gb'`. */
export type Size = `${number}${'kb' | 'mb' | 'gb'}`

const UNITS = { kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 } as const
const PATTERN = /^(\d+(?:\.\d+)?)(kb|mb|gb)$/

/** True for a string that {@link toBytes} accepts. */
export function isSize(value: unknown): value is Size {
  return typeof value === 'string' && PATTERN.test(value)
}

/** Whole bytes of a size. @throws RangeError if it is none; parameters of faults are checked by {@link sizeParam} before */
export function toBytes(size: Size): number {
  const [, number, unit] = PATTERN.exec(size) ?? []
  if (number === undefined) throw new RangeError(`${JSON.stringify(size)} is not a size`)
  return Math.round(Number(number) * UNITS[unit as keyof typeof UNITS])
}

/** A size as a parameter of a fault, no less than `atLeast`. */
export function sizeParam(atLeast: Size) {
  return z
    .custom<Size>(isSize, "must be a number with a unit: '512kb', '1mb' or '2gb'")
    .refine((size) => toBytes(size) >= toBytes(atLeast), `must be ${atLeast} or more`)
}

/** Bytes for a reader: `812kb`, `3.5mb`, `1.2gb`. */
export function formatBytes(bytes: number): string {
  if (bytes < UNITS.mb) return `${Math.round(bytes / UNITS.kb)}kb`
  if (bytes < UNITS.gb) return `${Math.round((bytes / UNITS.mb) * 10) / 10}mb`
  return `${Math.round((bytes / UNITS.gb) * 10) / 10}gb`
}
