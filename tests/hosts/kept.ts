import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Stores one ground's part of a matrix in `.failover/<name>/<ground>.json`, and all parts that are there together as
 * `.failover/<name>.md`: grounds run in lanes of their own.
 * @returns the text of the whole
 */
export function keepMatrix<Part extends object>(
  name: string,
  ground: string,
  part: Part,
  render: (parts: readonly Part[]) => string,
): string {
  const directory = join('.failover', name)
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, `${ground}.json`), `${JSON.stringify(part, null, 2)}\n`)
  const files = readdirSync(directory).filter((file) => file.endsWith('.json'))
  const text = render(files.sort().map((file) => JSON.parse(readFileSync(join(directory, file), 'utf8')) as Part))
  writeFileSync(join('.failover', `${name}.md`), text)
  return text
}
