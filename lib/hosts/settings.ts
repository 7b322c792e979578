import type { Duration, Secret } from '../core/index.ts'

/** How a user proves to an SSH server who it is. What is given is tried in the order key, agent, password. */
export interface SshCredentials {
  /** Private key, PEM or OpenSSH format. */
  readonly privateKey?: Secret
  readonly passphrase?: Secret
  /** Path of the agent's socket. */
  readonly agent?: string
  readonly password?: Secret
}

/** Which host keys are accepted. One of the two must match; there is no way to accept any key. */
export interface SshHostKeys {
  /** `SHA256:` and the unpadded base64 of the hash, as `ssh-keygen -lf` prints it. */
  readonly fingerprints?: readonly string[]
  /** Text of a known_hosts file, hashed names and `@revoked` included. */
  readonly knownHosts?: string
}

/** How an SSH server is reached. */
export interface SshSettings extends SshCredentials {
  readonly host: string
  /** Default 22. */
  readonly port?: number
  readonly username: string
  readonly hostKeys: SshHostKeys
  /** A host through which the connection goes. */
  readonly jump?: SshSettings
  /** Default 10 s. */
  readonly connectWithin?: Duration
  /** How often the connection is asked for a sign of life. Default 2 s; three misses end it. */
  readonly keepalive?: Duration
}

/** How a machine's shell is reached. */
export type ShellSettings =
  | { readonly kind: 'local' }
  | ({ readonly kind: 'ssh' } & SshSettings)
  | { readonly kind: 'container'; readonly container: string }

/** A machine of an environment: how to get a shell on it, and what faults must know of it. */
export interface HostSettings {
  /** Unique in the environment: `east-app1`. */
  readonly name: string
  readonly dc: 'east' | 'west'
  readonly shell: ShellSettings
  /** `sudo`: all commands run as root through `sudo -n`, or with that password. Default: as the user that logs in. */
  readonly sudo?: true | { readonly password: Secret }
  /** Names by which the management API calls this host (`host`/`resource` of a PE), beside {@link name}. */
  readonly aliases: readonly string[]
  /** IPv4 and IPv6 addresses at which the other data centre meets this host. */
  readonly addresses: readonly string[]
  /** Networks (CIDR) that no fault ever touches, beside the SSH connection itself. */
  readonly managementNetworks: readonly string[]
  /** Interface of the traffic between the data centres. Default: the one that the host routes to its peer through. */
  readonly networkInterface?: string
  /** Directory of the leases on that host; on a disk that survives a reboot. */
  readonly leaseDirectory: string
  /** Where the toolkit keeps its snapshots on that host, if it does. */
  readonly snapshotDirectory?: string
}
