import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { commandLine, quote, UnquotableError } from './index.ts'

// Real processes on a busy machine.
vi.setConfig({ testTimeout: 30_000 })

const SHELLS = ['sh', 'dash', 'bash'].filter((sh) => {
  try {
    return execFileSync(sh, ['-c', 'echo yes'], { encoding: 'utf8' }) === 'yes\n'
  } catch {
    return false
  }
})

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: fc.constantFrom(...`'"\`$\\\n\r\t !*?~#&|;<>()[]{}=-%é💥`), maxLength: 40 }),
)
const words = fc.array(
  hostile.map((text) => Buffer.from(text.replaceAll('\0', '')).toString()),
  { minLength: 1, maxLength: 8 },
)

describe('quote', () => {
  it.each(SHELLS)('makes words that %s hands on unchanged, whatever they hold', (sh) => {
    fc.assert(
      fc.property(words, (args) => {
        const line = `for word in ${args.map(quote).join(' ')}; do printf '%s\\0' "$word"; done`
        // A bash whose input is a socket takes itself for a remote login and reads ~/.bashrc.
        const printed = execFileSync(sh, ['-c', line], {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'pipe'],
          env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' },
        })
        expect(printed.split('\0').slice(0, -1)).toEqual(args)
      }),
      { numRuns: 60 },
    )
  })

  it('keeps ordinary words readable', () => {
    expect(commandLine(['kill', '-STOP', '4711'])).toBe('kill -STOP 4711')
    expect(commandLine({ script: 'echo "$1"', args: ["it's"] })).toBe(`sh -c 'echo "$1"' sh 'it'\\''s'`)
    expect(quote('')).toBe("''")
  })

  it('refuses a NUL, which no argument can carry', () => {
    expect(() => quote('a\0b')).toThrow(UnquotableError)
  })
})
