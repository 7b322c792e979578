import { localShell } from '../../../lib/hosts/index.ts'
import type { MachineName } from './bed.ts'

/** How many beds can be on one machine at a time: as many networks as fit into the range. */
const SLOTS = 4096
/** Second numbers of the networks, whose first is 10. */
const MANAGEMENT = 213
const DATA = 214

/** The interface by which this machine takes part in a bed. Its name is what claims the slot. */
export function rootInterface(slot: number): string {
  return `fobed${slot}`
}

/** The bridge that this machine is plugged into. */
export function rootPort(ssh: 'management' | 'data'): 'mgmt' | 'data' {
  return ssh === 'management' ? 'mgmt' : 'data'
}

/** Addresses of a machine, each with the length of its network. */
export interface MachineWiring {
  readonly ipv4: string
  readonly ipv6: string
  readonly management: string
}

/** All addresses of a bed. */
export interface Wiring {
  readonly machines: Readonly<Record<MachineName, MachineWiring>>
  /** Of this machine, in either network. */
  readonly root: Readonly<Record<'management' | 'data', string>>
  readonly managementNetwork: string
}

/**
 * Addresses of the bed in a slot: parts of two networks that hardly any site uses, and of a private IPv6 one.
 */
export function addressesOf(slot: number): Wiring {
  const inNetwork = (second: number, host: number): string => {
    const last = slot * 16 + host
    return `10.${second}.${last >> 8}.${last & 255}/28`
  }
  const machine = (host: number): MachineWiring => ({
    management: inNetwork(MANAGEMENT, host),
    ipv4: inNetwork(DATA, host),
    ipv6: `fd00:fa11:0:${slot.toString(16)}::${host}/64`,
  })
  return {
    machines: { a: machine(2), b: machine(3) },
    root: { management: inNetwork(MANAGEMENT, 1), data: inNetwork(DATA, 1) },
    managementNetwork: inNetwork(MANAGEMENT, 0),
  }
}

/**
 * Takes the first free slot, by making its interface with the other end, `root`, in a network namespace. The kernel lets one
 * of two that try at the same time have it.
 */
export async function claimSlot(networkPid: number): Promise<number> {
  const here = localShell()
  for (let slot = 0; slot < SLOTS; slot++) {
    const peer = ['peer', 'name', 'root', 'netns', String(networkPid)]
    const add = ['ip', 'link', 'add', rootInterface(slot), 'type', 'veth', ...peer]
    const result = await here.run(add, { within: '10s' })
    if (result.code === 0) return slot
    if (!/exists/i.test(result.stderr)) throw new Error(`${add.join(' ')} failed: ${result.stderr.trim()}`)
  }
  throw new Error(`All ${SLOTS} places for beds are taken; ip link shows them as ${rootInterface(0)} and so on.`)
}
