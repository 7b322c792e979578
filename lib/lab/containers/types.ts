import type { Secret } from '../../core/index.ts'
import type { DcName, EmbeddedLabOptions, EmbeddedSite, LinkDescription } from '../embedded/index.ts'

/** How to start a container lab: as the embedded one, and what only containers have. */
export interface ContainerLabOptions extends Omit<EmbeddedLabOptions, 'submit' | 'timeScale'> {
  /** Real seconds per configured second. Default 0.5. */
  readonly timeScale?: number
  /** The image that the lab's own is made from. Default `debian:bookworm-slim`. */
  readonly baseImage?: string
  /** Told what takes long: one line each. */
  readonly onProgress?: (line: string) => void
}

/** How a runner reaches one site of the lab. */
export interface ContainerSite extends EmbeddedSite {
  /** Text of the toolkit configuration file that the first job of the site runs with. */
  readonly configurationText: string
}

/** A host of the lab: a container with sshd, reached through a port of this machine that stays over power-offs. */
export interface ContainerHost {
  /** Its documented name, which the peer's configuration and the management API use. */
  readonly name: string
  readonly dc: DcName
  /** Further documented names of the same host. */
  readonly aliases: readonly string[]
  /** The name of its container. */
  readonly container: string
  readonly ssh: {
    readonly host: string
    readonly port: number
    readonly username: string
    readonly privateKey: Secret
    /** Fingerprint of its host key, `SHA256:…`. */
    readonly fingerprint: string
  }
  /** Addresses at which the other data centre meets it. */
  readonly addresses: readonly string[]
  readonly leaseDirectory: string
  readonly snapshotDirectory: string
}

/** A running container lab. Disposing of it removes all of it; so does the death of the process that started it. */
export interface ContainerLab {
  /** The label by which all containers, networks and volumes of it are found. */
  readonly id: string
  readonly directory: string
  readonly timeScale: number
  readonly mode: 'active-active' | 'active-passive'
  readonly defects: readonly string[]
  /** The record of what truly happened; undefined where the containers run under another kernel than this process. */
  readonly truthFile: string | undefined
  readonly sites: Readonly<Record<DcName, ContainerSite>>
  readonly hosts: readonly ContainerHost[]
  /** Paths between the data centres, by the real addresses and documented ports, and from here to the services. */
  readonly links: readonly LinkDescription[]
  /** Argument vector of the lab's control program, to be followed by a verb: `power off east`. */
  readonly control: readonly string[]
  /** How long the start took, in milliseconds. */
  readonly startMs: number
  [Symbol.asyncDispose](): Promise<void>
}
