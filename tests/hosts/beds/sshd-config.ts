/** Options of {@link sshdConfig}. */
export interface SshdConfigOptions {
  /** Part of the names of its host key and pid file. Default none. */
  readonly name?: string
  /** Default 22. */
  readonly port?: number
}

/** Configuration of a bed's sshd, whose files lie in one directory that every user of the machine can read. */
export function sshdConfig(directory: string, { name = 'host', port = 22 }: SshdConfigOptions = {}): string {
  return `Port ${port}
AddressFamily any
HostKey ${directory}/${name}_key
AuthorizedKeysFile ${directory}/authorized_keys
PidFile /run/${name}.sshd.pid
# The directory is the bed's own; that its parents are nobody else's is not this machine's business.
StrictModes no
UsePAM no
UseDNS no
PermitRootLogin yes
PasswordAuthentication yes
KbdInteractiveAuthentication no
AllowTcpForwarding yes
AllowAgentForwarding yes
MaxSessions 200
MaxStartups 200
PrintMotd no
LogLevel VERBOSE
`
}

/** A script that kills daemon and sessions, and ends when they are gone. */
export const KILL_SSHD = 'while pkill -KILL -x sshd; do sleep 0.02; done'
