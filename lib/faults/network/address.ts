import { BlockList, isIP } from 'node:net'

/** Version of the internet protocol. */
export type IpFamily = 4 | 6

/** The family of an address, or undefined if the text is no address. A zone (`%eth0`) is let pass. */
export function familyOf(text: string): IpFamily | undefined {
  const family = isIP(text)
  return family === 4 || family === 6 ? family : undefined
}

/**
 * An address in the one spelling that addresses are compared in: no zone, IPv6 compressed and in lower case, an IPv4 address
 * that is mapped into IPv6 as the IPv4 address that it is. What is no address stays as it is.
 */
export function normalAddress(text: string): string {
  const plain = text.replace(/%.*$/, '')
  if (familyOf(plain) !== 6) return plain
  const compressed = new URL(`http://[${plain}]`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(compressed)
  if (!mapped) return compressed
  const [high, low] = [mapped[1], mapped[2]].map((part) => Number.parseInt(part ?? '', 16))
  return [high, low].flatMap((part = 0) => [part >> 8, part & 255]).join('.')
}

/** A network as address and length of its prefix. */
export interface Network {
  readonly address: string
  readonly family: IpFamily
  readonly prefix: number
}

/** Reads `10.0.0.0/8`, `fd00::/8` or a single address; undefined if it is none of these. */
export function parseNetwork(text: string): Network | undefined {
  const [given = '', length, ...rest] = text.split('/')
  const address = normalAddress(given)
  const family = familyOf(address)
  if (family === undefined || rest.length > 0) return undefined
  const bits = family === 4 ? 32 : 128
  if (length === undefined) return { address, family, prefix: bits }
  const prefix = /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN
  return prefix <= bits ? { address, family, prefix } : undefined
}

/** Whether an address lies in one of some networks. Texts that are no networks hold nothing. */
export function isWithin(address: string, networks: readonly string[]): boolean {
  const normal = normalAddress(address)
  const family = familyOf(normal)
  if (family === undefined) return false
  const list = new BlockList()
  for (const text of networks) {
    const network = parseNetwork(text)
    if (network) list.addSubnet(network.address, network.prefix, name(network.family))
  }
  return list.check(normal, name(family))
}

/** Addresses that only the machine itself can mean: loopback and unspecified. */
export function isLoopback(address: string): boolean {
  return isWithin(address, ['127.0.0.0/8', '0.0.0.0/32', '::1/128', '::/128'])
}

/** What may be given as the far side: an address, or a host name. Anything else never reaches a command. */
export function isHostName(text: string): boolean {
  return (
    text.length <= 253 &&
    /^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$/.test(text)
  )
}

function name(family: IpFamily): 'ipv4' | 'ipv6' {
  return family === 4 ? 'ipv4' : 'ipv6'
}
