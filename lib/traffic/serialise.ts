import { crc32 } from 'node:zlib'
import type { Content } from './generator.ts'
import type { MarkFields } from './schema.ts'

/** A tuple with all its marks but the time of sending, which is put in when it goes out. */
export interface Tuple {
  readonly seq: number
  /** Index in the key table. */
  readonly key: number
  readonly keySeq: number
  readonly value: number
  /** JSON text up to the value of the send time, and what follows it. */
  readonly before: string
  readonly after: string
}

/** The checksum that a tuple carries. */
export function checksum(
  seq: number,
  key: string,
  home: string,
  keySeq: number,
  value: number,
  payload: string,
): number {
  return crc32(`${seq}|${key}|${home}|${keySeq}|${value}|${payload}`)
}

/** A function that turns contents into tuples, by plain concatenation: names are checked identifiers, keys need no escape. */
export function tupleMaker(
  fields: MarkFields,
): (
  seq: number,
  key: { readonly index: number; readonly entry: { key: string; home: string } },
  content: Content,
) => Tuple {
  const name = (field: string | undefined): string => (field === undefined ? '' : JSON.stringify(field))
  const seqName = `{${name(fields.seq)}:`
  const keyName = `,${name(fields.key)}:"`
  const homeName = `",${name(fields.home)}:"`
  const keySeqName = `",${name(fields.keySeq)}:`
  const valueName = `,${name(fields.value)}:`
  const sentAtName = `,${name(fields.sentAt)}:`
  const payloadName = fields.payload === undefined ? undefined : `,${name(fields.payload)}:`
  const checksumName = fields.checksum === undefined ? undefined : `,${name(fields.checksum)}:`
  return (seq, { index, entry }, content) => {
    const { keySeq, value, payload } = content
    const before = `${seqName}${seq}${keyName}${entry.key}${homeName}${entry.home}${keySeqName}${keySeq}${valueName}${value}${sentAtName}`
    let after = content.more
    if (payloadName !== undefined) after += `${payloadName}${payload === '' ? '""' : JSON.stringify(payload)}`
    if (checksumName !== undefined) {
      after += `${checksumName}${checksum(seq, entry.key, entry.home, keySeq, value, payloadName === undefined ? '' : payload)}`
    }
    return { seq, key: index, keySeq, value, before, after: `${after}}` }
  }
}

/** The body of an inject request: all tuples with the same send time. */
export function requestBody(itemsMember: string, tuples: readonly Tuple[], sentAt: number): Buffer {
  let text = `{${JSON.stringify(itemsMember)}:[`
  let separator = ''
  for (const tuple of tuples) {
    text += `${separator}${tuple.before}${sentAt}${tuple.after}`
    separator = ','
  }
  return Buffer.from(`${text}]}`)
}
