import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '..')
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')

it('shows code that stands in files that run', () => {
  const excerpts = [...readme.matchAll(/<!-- excerpt of (\S+) -->\n```ts\n([^]*?)```/g)]
  expect(excerpts.length).toBeGreaterThan(0)
  for (const [, file = '', code = ''] of excerpts) {
    const source = readFileSync(join(ROOT, file), 'utf8')
    const missing = code.split('\n').filter((line) => line.trim() !== '' && !source.includes(line.trim()))
    expect(missing, `README shows lines that ${file} does not have`).toEqual([])
  }
})

it('leads to a first drill within 60 lines', () => {
  const line = readme.split('\n').findIndex((text) => text.includes('npx vitest run --project dc-east-west'))
  expect(line).toBeGreaterThan(0)
  expect(readme.split('\n').findIndex((text) => text.startsWith('PASS'))).toBeLessThan(60)
})
