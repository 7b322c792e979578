import type { DcName } from './events.ts'
import type { Outcome } from './tuple-log.ts'

/**
 * Layout of `tuples.sends` and `tuples.sights`. Both begin with a header of one record's length and go on with records of
 * {@link RECORD_BYTES} bytes, little-endian, so that 64-bit, 32-bit and 8-bit views can be laid over a chunk of the file.
 *
 * ```
 *            f64 0      f64 1       f64 2           u32 6        u32 7     u32 8   u8 36  u8 37  u8 38    u8 39
 * header     magic      -           -               version      bytes     endian  kind   0      0        check
 * send       seq        sentAt      value           key          keySeq    batch   1      dc     attempt  check
 * outcome    doneAt     sentAt      0               reason       0         batch   2      dc     outcome  check
 * poll       asked      answered    previousAsked   overrun      0         0       3      dc     0        check
 * sight      seq        value       sum             key          keySeq    count   4      dc     flags    check
 * ```
 * `check` makes the exclusive or of all 40 bytes {@link CHECK}, so that a hole of zeros and most damage is noticed.
 */
export const RECORD_BYTES = 40

/** Version of the layout. */
export const FORMAT_VERSION = 1

/** Kinds of records; the header carries the number of its file instead. */
export const Kind = { send: 1, outcome: 2, poll: 3, sight: 4, sendsHeader: 101, sightsHeader: 102 } as const

/** The exclusive or of all bytes of a record. */
export const CHECK = 0x5a

/** What tells little-endian from big-endian. */
export const ENDIAN_MARK = 0x01020304

/** First eight bytes of both files. */
export const MAGIC = 'SFTUPLES'

/** Files of a drill's directory. */
export const FILES = {
  events: 'history.jsonl',
  sends: 'tuples.sends',
  sights: 'tuples.sights',
  names: 'tuples.names.jsonl',
  findings: 'drill.json',
} as const

/** Numbers of the data centres in records. */
export const DCS: readonly [DcName, DcName] = ['east', 'west']

/** The number of a data centre in records. */
export const dcIndex = (dc: DcName): 0 | 1 => (dc === 'east' ? 0 : 1)

/** Numbers of the outcomes in records. */
export const OutcomeCode = { acknowledged: 1, refused: 2, indeterminate: 3 } as const satisfies Record<Outcome, number>

/** Views on one chunk of records. */
export interface Views {
  readonly f64: Float64Array
  readonly u32: Uint32Array
  readonly u8: Uint8Array
}

/** Views of all widths on one buffer. */
export function viewsOn(buffer: ArrayBuffer): Views {
  return { f64: new Float64Array(buffer), u32: new Uint32Array(buffer), u8: new Uint8Array(buffer) }
}

/** The exclusive or of the 40 bytes of record number `index` of a chunk. */
export function checkOf(u32: Uint32Array, index: number): number {
  const i = index * 10
  let x =
    u32At(u32, i) ^
    u32At(u32, i + 1) ^
    u32At(u32, i + 2) ^
    u32At(u32, i + 3) ^
    u32At(u32, i + 4) ^
    u32At(u32, i + 5) ^
    u32At(u32, i + 6) ^
    u32At(u32, i + 7) ^
    u32At(u32, i + 8) ^
    u32At(u32, i + 9)
  x ^= x >>> 16
  return (x ^ (x >>> 8)) & 0xff
}

// One function per type of array: a shared one would be compiled for all of them, and be slower for each.

/** Element of an array at an index known to be in range. */
export function f64At(array: Float64Array, index: number): number {
  return array[index] as number
}

/** Element of an array at an index known to be in range. */
export function u32At(array: Uint32Array, index: number): number {
  return array[index] as number
}

/** Element of an array at an index known to be in range. */
export function u8At(array: Uint8Array, index: number): number {
  return array[index] as number
}

/** Closes record number `index` with its check byte; the byte must be 0 before. */
export function seal(views: Views, index: number): void {
  views.u8[index * RECORD_BYTES + 39] = checkOf(views.u32, index) ^ CHECK
}

/** The header of one of the files. */
export function header(kind: number): Uint8Array {
  const views = viewsOn(new ArrayBuffer(RECORD_BYTES))
  views.u8.set(new TextEncoder().encode(MAGIC))
  views.u32[6] = FORMAT_VERSION
  views.u32[7] = RECORD_BYTES
  views.u32[8] = ENDIAN_MARK
  views.u8[36] = kind
  seal(views, 0)
  return views.u8
}
