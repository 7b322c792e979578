import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse } from 'dotenv'
import { describe, expect, it } from 'vitest'
import { renderEnvExample } from './env-example.ts'
import { INTERNAL_VARIABLES, VARIABLES, variableNames } from './variable-table.ts'
import { readVariables } from './variables.ts'

const ROOT = resolve(import.meta.dirname, '../..')

describe('.env.example', () => {
  it('is what the table of variables makes (run vitest with -u to renew it)', async () => {
    await expect(renderEnvExample()).toMatchFileSnapshot(join(ROOT, '.env.example'))
  })

  it('names every variable, and sets none', () => {
    const text = readFileSync(join(ROOT, '.env.example'), 'utf8')
    for (const name of variableNames()) expect(text).toMatch(new RegExp(`^# ${name}=`, 'm'))
    expect(parse(text)).toEqual({})
  })

  it('names no variable twice', () => {
    const names = variableNames()
    expect(names.filter((name, nth) => names.indexOf(name) !== nth)).toEqual([])
  })

  it('holds examples that the schema accepts, once they are uncommented', () => {
    const uncommented = renderEnvExample().replaceAll(/^# (FAILOVER_)/gm, '$1')
    const values = parse(uncommented)
    for (const { name, scope, schema, secret } of VARIABLES) {
      if (secret) continue
      for (const full of scope === 'site' ? [`FAILOVER_EAST_${name}`, `FAILOVER_WEST_${name}`] : [name]) {
        expect(schema.safeParse(values[full]), full).toMatchObject({ success: true })
      }
    }
    expect(readVariables({ env: values, file: null }).problems).toEqual([])
  })

  it('leaves out no variable that the code reads', () => {
    const used = new Set<string>()
    for (const folder of ['lib', 'fixtures', 'specs', 'bench', 'scripts', 'environments']) {
      for (const entry of readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !/\.(ts|mjs)$/.test(entry.name) || entry.name.endsWith('.test.ts')) continue
        const text = readFileSync(join(entry.parentPath, entry.name), 'utf8')
        for (const match of text.matchAll(/\benv(?:ironment)?(?:\.|\[['"])(FAILOVER_[A-Z_]+)/g))
          used.add(match[1] ?? '')
      }
    }
    expect([...used].filter((name) => !variableNames().includes(name) && !INTERNAL_VARIABLES.includes(name))).toEqual(
      [],
    )
  })
})
