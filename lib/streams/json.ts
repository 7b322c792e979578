import { parse, stringify } from 'lossless-json'

/** A run of digits that may be a whole number beyond 2^53. Long decimals and digits in texts may match too: that costs time only. */
const LARGE = /(?<![\d.])\d{16,}/

/**
 * Parses JSON without losing digits: whole numbers beyond 2^53 become bigints, all other numbers are numbers.
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
  // The lossless parser is some ten times slower, and rarely needed.
  if (!LARGE.test(text)) return JSON.parse(text)
  return parse(text, undefined, { parseNumber, onDuplicateKey: ({ newValue }) => newValue })
}

/** JSON of a value that may hold bigints, which are written as plain numbers. */
export function stringifyJson(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    const text = stringify(value)
    if (text === undefined) throw error
    return text
  }
}

function parseNumber(text: string): number | bigint {
  const number = Number(text)
  return Number.isSafeInteger(number) || !/^-?\d+$/.test(text) ? number : BigInt(text)
}
