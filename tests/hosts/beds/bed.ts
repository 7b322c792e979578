import type { Command, HostSettings, RunOptions, RunResult } from '../../../lib/hosts/index.ts'

/** The two machines of a bed: `a` stands in the data centre east, `b` in west. */
export type MachineName = 'a' | 'b'

/** All machines of a bed. */
export const MACHINES = ['a', 'b'] as const

/** Data centre of each machine. */
export const DC = { a: 'east', b: 'west' } as const

/** One thing of each machine. */
export type Machines<T> = Readonly<Record<MachineName, T>>

/** Where a machine meets the other one. */
export interface MachineAddresses {
  readonly ipv4: string
  readonly ipv6: string
}

/** The ports on which every machine answers (see answering-server.pl), TCP and UDP, IPv4 and IPv6. */
export const PORTS = { management: 8443, data: 9980, heartbeat: 8081, snapshot: 8082 } as const

/** Two machines with sshd, to break. */
export interface Bed extends AsyncDisposable {
  /** How to log in to them as root. */
  readonly hosts: Machines<HostSettings>
  /** On the network between the two, whose interface is `hosts.a.networkInterface`. */
  readonly addresses: Machines<MachineAddresses>
  readonly ports: typeof PORTS
  /** Runs a command on a machine past SSH and past its networks, as root. */
  exec(name: MachineName, command: Command, options?: Partial<RunOptions>): Promise<RunResult>
  /** Pulls the cable of a machine's management network: SSH falls silent, nothing on the machine changes. */
  cutManagement(name: MachineName): Promise<void>
  /** Plugs it in again. */
  restoreManagement(name: MachineName): Promise<void>
  /** Kills sshd, its sessions included. */
  killSshd(name: MachineName): Promise<void>
  /** Starts it again. */
  startSshd(name: MachineName): Promise<void>
}
