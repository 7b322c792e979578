import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { familyOf, isHostName, isLoopback, isWithin, normalAddress, parseNetwork } from './address.ts'

describe('addresses', () => {
  it.each([
    ['10.0.0.1', '10.0.0.1', 4],
    ['FD00:0:0::0001', 'fd00::1', 6],
    ['::ffff:10.1.2.3', '10.1.2.3', 4],
    ['::FFFF:0a01:0203', '10.1.2.3', 4],
    ['fe80::1%eth0', 'fe80::1', 6],
    ['::', '::', 6],
  ])('%s is %s', (text, normal, family) => {
    expect(normalAddress(text)).toBe(normal)
    expect(familyOf(normal)).toBe(family)
  })

  it('have one spelling each, which stays', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const normal = normalAddress(text)
        expect(familyOf(normal)).toBeDefined()
        expect(normalAddress(normal)).toBe(normal)
        expect(isWithin(text, [normal])).toBe(true)
      }),
    )
  })

  it('lie in networks or not', () => {
    expect(isWithin('10.1.2.3', ['192.168.0.0/16', '10.0.0.0/8'])).toBe(true)
    expect(isWithin('::ffff:10.1.2.3', ['10.0.0.0/8'])).toBe(true)
    expect(isWithin('11.0.0.1', ['10.0.0.0/8', 'fd00::/8'])).toBe(false)
    expect(isWithin('fd12::1', ['fd00::/8'])).toBe(true)
    expect(isWithin('not an address', ['0.0.0.0/0'])).toBe(false)
    expect(['127.0.0.9', '::1', '0.0.0.0', '::', '::ffff:127.0.0.1'].filter(isLoopback)).toHaveLength(5)
    expect(['128.0.0.1', 'fd00::1'].filter(isLoopback)).toEqual([])
  })

  it.each(['10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/', '10.0.0.0/8/8', 'ten', '', 'fd00::/129', '10.0.0.0/1e1'])(
    '%s is no network',
    (text) => expect(parseNetwork(text)).toBeUndefined(),
  )

  it('are told from names, and from anything that a shell could take amiss', () => {
    expect(['east-1', 'east.example.org', 'east.example.org.', 'a_b'].filter(isHostName)).toHaveLength(4)
    expect(['-n', 'a b', 'a;b', '$(id)', '', 'a..b', '.a', 'é', "a'", `${'a'.repeat(254)}`].filter(isHostName)).toEqual(
      [],
    )
  })
})
