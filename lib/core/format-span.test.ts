import { expect, it } from 'vitest'
import { formatSpan } from './format-span.ts'

it('shortens bounds of one unit, and says where there is none', () => {
  const span = (lowerMs: number | null, upperMs: number | null) => formatSpan({ lowerMs, upperMs })
  expect(span(412, 447)).toBe('412–447ms')
  expect(span(1200, 1250)).toBe('1.20–1.25s')
  expect(span(980, 1020)).toBe('980ms–1.02s')
  expect(span(447.2, 446.9)).toBe('447ms')
  expect(span(59_000, 61_000)).toBe('59.00s–1m 01s')
  expect(span(-5, 12)).toBe('-5–12ms')
  expect(span(4200, null)).toBe('≥ 4.20s')
  expect(span(null, 10)).toBe('≤ 10ms')
  expect(span(null, null)).toBe('unknown')
  expect(formatSpan(null)).toBe('–')
})
