import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConfigurationError } from '../core/index.ts'
import { RecordError } from './errors.ts'
import type { TupleSchema } from './exchange.ts'
import { readRecords, writeRecords } from './records.ts'

const schema: TupleSchema = {
  fields: [
    { name: 'seq', type: { kind: 'integer', bits: 64, signed: true }, optional: false },
    { name: 'key', type: { kind: 'string' }, optional: false },
    { name: 'ratio', type: { kind: 'number' }, optional: false },
    { name: 'ok', type: { kind: 'boolean' }, optional: false },
    { name: 'note', type: { kind: 'integer', bits: 8, signed: false }, optional: true },
    { name: 'list', type: { kind: 'list', of: { kind: 'string' } }, optional: false },
    { name: 'map', type: { kind: 'map', of: { kind: 'number' } }, optional: false },
    {
      name: 'place',
      type: { kind: 'tuple', fields: [{ name: 'x', type: { kind: 'number' }, optional: false }] },
      optional: false,
    },
  ],
}
const row = { seq: 1, key: 'a', ratio: 0.5, ok: true, note: null, list: ['x'], map: { m: 1 }, place: { x: 2 } }

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'streams-records-'))
})
afterAll(() => rm(directory, { recursive: true }))

async function file(name: string, text: string): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, text)
  return path
}

async function issuesOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(RecordError)
  return (error as Error).message
}

describe('files of tuples', () => {
  it.each(['csv', 'json', 'jsonl'] as const)('%s is read back as it was written', async (format) => {
    const path = join(directory, `round.${format}`)
    const key = fc.string().filter((text) => !text.includes('__proto__'))
    const tuples = fc.array(
      fc
        .record({
          seq: fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n })),
          key: fc.string({ unit: 'grapheme' }),
          ratio: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value)),
          ok: fc.boolean(),
          note: fc.option(fc.integer({ min: 0, max: 255 })),
          list: fc.array(fc.string()),
          map: fc.dictionary(key, fc.integer()).map((map) => ({ ...map })),
          place: fc.record({ x: fc.integer() }).map((place) => ({ ...place })),
        })
        .map((tuple) => ({ ...tuple })),
      { maxLength: 5 },
    )
    await fc.assert(
      fc.asyncProperty(tuples, async (items) => {
        await writeRecords(path, items, { schema })
        expect(await readRecords(path, { schema })).toEqual(items)
      }),
      { numRuns: 60 },
    )
  })

  it('CSV names row, field and expected type', async () => {
    const path = await file(
      'bad.csv',
      'seq,key,ratio,ok,note,list,map,place\n1,a,0.5,true,,[],{},"{""x"":1}"\nx1,b,many,yes,300,[1],{},{}\n',
    )
    const message = await issuesOf(readRecords(path, { schema }))
    expect(message.replace(directory, '')).toBe(
      '/bad.csv: row 2, field seq: expected int64, found "x1"; row 2, field ratio: expected a finite number, found "many"; ' +
        'row 2, field ok: expected true or false, found "yes". Correct the file; nothing was sent.',
    )
  })

  it('a value of the right form and wrong size, an unknown and a missing column', async () => {
    const small: TupleSchema = {
      fields: [{ name: 'n', type: { kind: 'integer', bits: 8, signed: true }, optional: false }],
    }
    expect(await issuesOf(readRecords(await file('size.csv', 'n\n127\n128\n'), { schema: small }))).toContain(
      'row 2, field n: expected int8, found 128',
    )
    expect(await issuesOf(readRecords(await file('unknown.csv', 'n,m\n1,2\n'), { schema: small }))).toContain(
      'row 1, field m: expected only the fields n',
    )
    expect(await issuesOf(readRecords(await file('missing.csv', 'm\n2\n'), { schema: small }))).toContain(
      'row 1, field n: expected int8, found nothing',
    )
  })

  it('JSON: arrays, objects with items, lines; wrong ones named', async () => {
    const text = JSON.stringify(row)
    expect(await readRecords(await file('items.json', `{"items":[${text}]}`), { schema })).toEqual([row])
    expect(await issuesOf(readRecords(await file('bad.json', `[${text}, {"seq":1.5}]`), { schema }))).toContain(
      'row 2, field seq: expected int64, found 1.5',
    )
    expect(await issuesOf(readRecords(await file('bad.jsonl', `${text}\n{"seq":\n`), { schema }))).toContain(
      'row 2, field (tuple): expected a JSON object',
    )
    expect(await issuesOf(readRecords(await file('object.json', '{"a":1}'), { schema }))).toContain(
      'expected an array of tuples',
    )
  })

  it('a file that is not there, is broken, or of unknown format', async () => {
    await expect(readRecords(join(directory, 'nope.csv'), { schema })).rejects.toBeInstanceOf(ConfigurationError)
    await expect(readRecords(join(directory, 'nope.csv'), { schema })).rejects.toThrow(/nope.csv cannot be read/)
    await expect(readRecords(await file('ragged.csv', 'a,b\n1\n'), { schema })).rejects.toBeInstanceOf(
      ConfigurationError,
    )
    await expect(readRecords(await file('broken.json', '[{'), { schema })).rejects.toBeInstanceOf(ConfigurationError)
    await expect(readRecords(join(directory, 'x.xml'), { schema })).rejects.toThrow(/Name it .csv, .json or .jsonl/)
  })

  it('nothing is written that would not be read', async () => {
    const path = join(directory, 'never.csv')
    expect(await issuesOf(writeRecords(path, [{ ...row, ratio: NaN }], { schema }))).toContain(
      'expected a finite number',
    )
    await expect(readFile(path)).rejects.toThrow()
  })
})
