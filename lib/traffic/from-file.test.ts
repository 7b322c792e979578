import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { seeded } from '../core/index.ts'
import type { TupleSchema } from '../streams/index.ts'
import { feederOf } from './feeder.ts'
import { fromFile } from './from-file.ts'
import { counterSchema } from './schema.ts'
import type { TupleSource } from './source.ts'

const schema: TupleSchema = {
  fields: [
    { name: 'amount', type: { kind: 'integer', bits: 64, signed: true }, optional: false },
    { name: 'account', type: { kind: 'integer', bits: 64, signed: false }, optional: false },
    { name: 'note', type: { kind: 'string' }, optional: true },
  ],
}

async function rowsOf(source: TupleSource): Promise<{ rows: readonly unknown[]; ended: boolean }> {
  const feeder = feederOf(counterSchema, source, seeded(1))
  if (!feeder) throw new Error('there is a source')
  const taken = await feeder.take()
  await feeder.close()
  return taken
}

describe('rows of a file', () => {
  let directory = ''
  beforeAll(() => void (directory = mkdtempSync(join(tmpdir(), 'traffic-rows-'))))
  afterAll(() => rmSync(directory, { recursive: true }))

  it.each([
    ['rows.csv', 'amount,account,note\n5,18446744073709551615,"a ""b"""\n-7,1,\n'],
    [
      'rows.json',
      '[{"amount":5,"account":18446744073709551615,"note":"a \\"b\\""},{"amount":-7,"account":1,"note":null}]',
    ],
  ])('become tuples: %s', async (name, text) => {
    const path = join(directory, name)
    writeFileSync(path, text)
    expect(await rowsOf(fromFile(path, { schema, value: 'amount' }))).toEqual({
      ended: true,
      rows: [
        { value: 5, more: ',"account":18446744073709551615,"note":"a \\"b\\""' },
        { value: -7, more: ',"account":1,"note":null' },
      ],
    })
    const again = await rowsOf(fromFile(path, { schema, repeat: true, payload: 'note' }))
    expect(again.ended).toBe(false)
    expect(again.rows.length).toBeGreaterThan(100)
  })

  it('that do not fit are refused with their place', async () => {
    const path = join(directory, 'bad.csv')
    writeFileSync(path, 'amount,account,note\n5,1,\nmany,2,\n')
    await expect(rowsOf(fromFile(path, { schema }))).rejects.toThrow(/amount/)
    writeFileSync(path, 'amount,account,note\n')
    await expect(rowsOf(fromFile(path, { schema }))).rejects.toThrow('is empty')
    await expect(rowsOf(fromFile(join(directory, 'none.csv'), { schema }))).rejects.toThrow('cannot be read')
  })
})
