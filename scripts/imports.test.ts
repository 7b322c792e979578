import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '..')

/** Which parts of the product a part may import. Imports point one way: nothing on the right ever imports from the left. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  'lib/core': [],
  'lib/bundle': ['lib/core'],
  'lib/history': ['lib/core'],
  'lib/checkers': ['lib/history', 'lib/core'],
  'lib/matchers': ['lib/checkers', 'lib/history', 'lib/core'],
  'lib/hosts': ['lib/core'],
  'lib/streams': ['lib/core'],
  'lib/toolkit': ['lib/streams', 'lib/history', 'lib/core'],
  'lib/traffic': ['lib/streams', 'lib/history', 'lib/bundle', 'lib/core'],
  'lib/faults': ['lib/toolkit', 'lib/streams', 'lib/hosts', 'lib/history', 'lib/bundle', 'lib/core'],
  'lib/nemesis': ['lib/faults', 'lib/history', 'lib/core'],
  'lib/lab': ['lib/toolkit', 'lib/hosts', 'lib/bundle', 'lib/core'],
  'lib/environment': ['lib/lab', 'lib/toolkit', 'lib/streams', 'lib/hosts', 'lib/core'],
  'lib/vitest': ['lib/environment', 'lib/matchers', 'lib/bundle', 'lib/core'],
  'lib/report': ['lib/vitest', 'lib/checkers', 'lib/history', 'lib/core'],
  environments: ['lib/environment', 'lib/core'],
  fixtures: [
    'environments',
    'lib/vitest',
    'lib/report',
    'lib/matchers',
    'lib/checkers',
    'lib/history',
    'lib/traffic',
    'lib/toolkit',
    'lib/nemesis',
    'lib/faults',
    'lib/environment',
    'lib/hosts',
    'lib/streams',
    'lib/core',
  ],
  specs: ['fixtures', 'lib/nemesis', 'lib/faults', 'lib/core'],
}

/** The only parts that may know of the test runner. */
const MAY_IMPORT_VITEST = ['fixtures', 'lib/matchers', 'lib/report', 'lib/vitest', 'specs']

/** Parts that do no input or output beyond what they are handed. */
const NO_IO: Readonly<Record<string, RegExp>> = {
  'lib/core': /^node:(fs|net|http|https|tls|child_process|worker_threads|dgram)/,
  'lib/checkers': /^node:(net|http|https|tls|child_process|worker_threads|dgram)|^undici$/,
}

/** The imports of a source text. */
function importsOf(text: string): { readonly specifier: string; readonly typeOnly: boolean }[] {
  const pattern =
    /^\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm
  return [...text.matchAll(pattern)].map((match) => ({
    specifier: match[2] ?? match[3] ?? '',
    typeOnly: match[1] !== undefined,
  }))
}

/** The part that a file, as a path from the root, belongs to. */
function partOf(path: string): string {
  const [first = '', second = ''] = path.split('/')
  return first === 'lib' && second.includes('.') === false ? `lib/${second}` : first
}

/** What is wrong with the imports of one file. */
function violations(path: string, text: string): string[] {
  const part = partOf(path)
  const allowed = ALLOWED[part]
  if (!allowed) return []
  const found: string[] = []
  for (const { specifier, typeOnly } of importsOf(text)) {
    if (specifier.startsWith('.')) {
      const target = partOf(relative(ROOT, resolve(ROOT, dirname(path), specifier)))
      if (target !== part && !allowed.includes(target))
        found.push(`${path} imports ${specifier}: ${part} may not know ${target}`)
    } else if (/^vitest(\/|$)/.test(specifier) && !MAY_IMPORT_VITEST.includes(part)) {
      found.push(`${path} imports ${specifier}: only ${MAY_IMPORT_VITEST.join(', ')} may`)
    } else if (!typeOnly && NO_IO[part]?.test(specifier)) {
      found.push(`${path} imports ${specifier}: ${part} does no input or output of its own`)
    }
  }
  return found
}

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
}

describe('imports point one way', () => {
  it('in every file', () => {
    const all = ['lib', 'environments', 'fixtures', 'specs'].flatMap(sources)
    expect(all.length).toBeGreaterThan(20)
    expect(all.flatMap((path) => violations(path, readFileSync(join(ROOT, path), 'utf8')))).toEqual([])
  })

  it('and every folder of lib is in the table', () => {
    const folders = readdirSync(join(ROOT, 'lib'), { withFileTypes: true }).filter(
      (entry) => entry.isDirectory() && sources(`lib/${entry.name}`).length > 0,
    )
    expect(folders.map((entry) => `lib/${entry.name}`).filter((folder) => !(folder in ALLOWED))).toEqual([])
  })

  it.each([
    ['lib/checkers/a.ts', "import { x } from '../faults/index.ts'", 'may not know lib/faults'],
    ['lib/core/a.ts', "import { readFile } from 'node:fs/promises'", 'no input or output'],
    ['lib/streams/a.ts', "import { it } from 'vitest'", 'imports vitest'],
    ['lib/faults/a.ts', "export { y } from '../lab/embedded/index.ts'", 'may not know lib/lab'],
    ['lib/faults/a.ts', "const lab = await import('../lab/embedded/index.ts')", 'may not know lib/lab'],
    ['specs/a.spec.ts', "import { connect } from '../lib/streams/index.ts'", 'may not know lib/streams'],
    ['lib/history/a.ts', "import type { F } from '../checkers/index.ts'", 'may not know lib/checkers'],
  ])('the check finds a planted violation in %s', (path, text, message) => {
    expect(violations(path, text).join()).toContain(message)
  })
})
