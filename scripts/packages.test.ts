import { describe, expect, it } from 'vitest'

// The trees that npm builds by itself on Node 20 contain versions that die at import; these are the ones the lockfile pins.
const fixed: Record<string, (module: Record<string, unknown>) => unknown> = {
  vitest: (m) => m['test'],
  undici: (m) => m['request'],
  ssh2: (m) => (m['default'] as Record<string, unknown>)['Client'],
  zod: (m) => m['z'],
  testcontainers: (m) => m['GenericContainer'],
  'prometheus-query': (m) => m['PrometheusDriver'],
  '@vitest/ui': (m) => m['default'],
  dotenv: (m) => m['config'],
}

describe(`the fixed packages on Node ${process.versions.node}`, () => {
  it.each(Object.entries(fixed))('%s can be imported and has what is used of it', async (name, used) => {
    const module = (await import(name)) as Record<string, unknown>
    expect(used(module)).toBeDefined()
  })
})
