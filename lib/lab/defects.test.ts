import { expect, it } from 'vitest'
import { ConfigurationError } from '../core/index.ts'
import { defects, parseDefects } from './defects.ts'

it('knows each defect once, and says where it is, what it does and who must catch it', () => {
  expect(new Set(defects.map((defect) => defect.name)).size).toBe(defects.length)
  for (const { name, where, what, caughtBy } of defects) {
    expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/)
    expect([where, what, caughtBy].every((text) => text.length > 0)).toBe(true)
  }
})

it('reads one name, several with commas, or none', () => {
  expect(parseDefects('loses-key').map((defect) => defect.name)).toEqual(['loses-key'])
  expect(parseDefects(' loses-key , slow-return,').map((defect) => defect.name)).toEqual(['loses-key', 'slow-return'])
  expect(parseDefects(['stale-state'])).toHaveLength(1)
  expect(parseDefects('')).toEqual([])
  expect(parseDefects(undefined)).toEqual([])
})

it('refuses an unknown name and lists the known ones', () => {
  expect(() => parseDefects('loses-keys')).toThrow(ConfigurationError)
  expect(() => parseDefects('loses-keys')).toThrow(/"loses-keys".*FAILOVER_LAB_DEFECT.*loses-key, duplicates/s)
})
