import { ConfigurationError } from '../../../core/index.ts'

/** A rate with its unit, in bits per second, decimal as networks count: `'1mbit'` is 1 000 000 bits per second. */
export type Rate = `${number}${'bit' | 'kbit' | 'mbit' | 'gbit'}`

const UNITS = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 } as const
const PATTERN = /^(\d+(?:\.\d+)?)(bit|kbit|mbit|gbit)$/

/** True for a string that {@link toBitsPerSecond} accepts. */
export function isRate(value: unknown): value is Rate {
  return typeof value === 'string' && PATTERN.test(value)
}

/**
 * Bits per second of a rate.
 * @throws ConfigurationError if the text is not a number with one of the units bit, kbit, mbit, gbit
 */
export function toBitsPerSecond(rate: Rate): number {
  const match = PATTERN.exec(rate)
  if (!match) {
    throw new ConfigurationError(`${JSON.stringify(rate)} is not a rate.`, {
      remedy: "Write a number with a unit per second: '500kbit', '1mbit', '1gbit'.",
    })
  }
  return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS]
}

/** Bits per second for a reader: `950kbit/s`, `1.02mbit/s`. */
export function formatRate(bitsPerSecond: number): string {
  const [unit, size] =
    bitsPerSecond >= 1e9
      ? ['gbit', 1e9]
      : bitsPerSecond >= 1e6
        ? ['mbit', 1e6]
        : bitsPerSecond >= 1e3
          ? ['kbit', 1e3]
          : ['bit', 1]
  return `${Number((bitsPerSecond / Number(size)).toPrecision(3))}${unit}/s`
}
