import { isIP } from 'node:net'
import { z } from 'zod'
import { list, text } from './variable.ts'

/** A name with what belongs to it, as in `app1=10.1.0.11`. */
export interface Pair {
  readonly name: string
  readonly value: string
}

/** Where a host's SSH server listens. */
export interface HostAddress {
  readonly user?: string
  readonly address: string
  readonly port?: number
}

/** Pairs of a name and a value, comma-separated. A name may come more than once. */
export const pairs = list.transform((words, context): Pair[] =>
  words.map((word) => {
    const [, name = '', value = ''] = /^([^=\s]+)=(\S.*)$/.exec(word) ?? []
    if (name === '') context.addIssue({ code: 'custom', message: `${JSON.stringify(word)} is not name=value` })
    return { name, value }
  }),
)

/**
 * `user@address:port`, of which user and port may be missing; an IPv6 address with a port stands in brackets.
 * Undefined if it is none.
 */
export function parseHostAddress(value: string): HostAddress | undefined {
  const match =
    /^(?:(?<user>[^@\s]+)@)?(?:\[(?<six>[0-9a-fA-F:.%a-z]+)\]|(?<plain>[^@\s[\]]+?))(?::(?<port>\d{1,5}))?$/.exec(value)
  const { user, six, plain, port } = match?.groups ?? {}
  const address = six ?? plain
  if (address === undefined || (port !== undefined && (Number(port) < 1 || Number(port) > 65_535))) return undefined
  // An IPv6 address without brackets ends with what looks like a port.
  if (isIP(value) === 6) return { address: value }
  if (plain?.includes(':') === true) return undefined
  return { address, ...(user === undefined ? {} : { user }), ...(port === undefined ? {} : { port: Number(port) }) }
}

/** One {@link HostAddress}. */
export const hostAddress = z.string().transform((value, context): HostAddress => {
  const parsed = parseHostAddress(value)
  if (parsed) return parsed
  context.addIssue({ code: 'custom', message: `${JSON.stringify(value)} is not user@address:port` })
  return z.NEVER
})

/** Named {@link HostAddress}es, comma-separated. */
export const hosts = pairs.transform((found, context): (HostAddress & { readonly name: string })[] =>
  found.map(({ name, value }, i) => {
    const parsed = parseHostAddress(value)
    if (!parsed && name !== '') {
      context.addIssue({ code: 'custom', message: `${JSON.stringify(value)} of ${name} is not user@address:port` })
    }
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name) && name !== '') {
      context.addIssue({ code: 'custom', message: `${JSON.stringify(name)} is not a name of letters, digits, . _ -` })
    }
    if (found.findIndex((other) => other.name === name) < i) {
      context.addIssue({ code: 'custom', message: `${name} is there twice` })
    }
    return { name, address: '', ...parsed }
  }),
)

/** Fingerprints of keys by name. */
export const fingerprints = pairs.transform((found, context) => {
  for (const { name, value } of found) {
    if (name === '' || /^SHA256:[A-Za-z0-9+/]{43}=?$/.test(value)) continue
    context.addIssue({
      code: 'custom',
      message: `${JSON.stringify(value)} of ${name} is not SHA256:… (ssh-keygen -lf)`,
    })
  }
  return found
})

/** Networks in CIDR notation, comma-separated. */
export const networks = list.transform((words, context) => {
  for (const word of words) {
    const [address = '', bits = ''] = word.split('/')
    const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1
    if (!/^\d+$/.test(bits) || Number(bits) > most) {
      context.addIssue({ code: 'custom', message: `${JSON.stringify(word)} is not a network, as 10.9.0.0/16` })
    }
  }
  return words
})

/** A TCP port. */
export const port = z.coerce
  .number({ error: 'is not a number' })
  .int('is not a whole number')
  .min(1, 'is not a port')
  .max(65_535, 'is not a port')

/** TCP ports, comma-separated. */
export const ports = list.transform((words, context) =>
  words.map((word) => {
    const parsed = port.safeParse(word)
    if (parsed.success) return parsed.data
    context.addIssue({ code: 'custom', message: `${JSON.stringify(word)} is not a port` })
    return 0
  }),
)

/** An absolute path. */
export const directory = text.regex(/^\//, 'is not an absolute path')
