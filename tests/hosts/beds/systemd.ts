import { randomBytes } from 'node:crypto'
import { eventually, Secret } from '../../../lib/core/index.ts'
import { newKeyPair, type HostSettings } from '../../../lib/hosts/index.ts'
import { keep } from './kept.ts'
import { must, runHere } from './namespaces.ts'
import { sshdConfig } from './sshd-config.ts'

/** The image that `.ci/machine docker` makes; the public one of that name has no systemd. */
export const SYSTEMD_IMAGE = 'debian:bookworm-slim'

/** A container whose first process is systemd, and whose logind ends with a session all that was started in it. */
export interface SystemdBed extends AsyncDisposable {
  /** As root, in no session. */
  readonly host: HostSettings
  /** Over SSH, in a session of logind's. */
  readonly logins: Readonly<Record<SystemdUser, HostSettings>>
}

/** Nobody special; one whose own systemd stays without a session; and one whose processes logind spares. */
export type SystemdUser = 'plain' | 'lingering' | 'spared'

/** Starts a container with a running systemd. It goes with the bed, or with this process. */
export async function startSystemdBed(): Promise<SystemdBed> {
  const container = `failover-systemd-${randomBytes(4).toString('hex')}`
  // It needs a terminal to say anything, its own directories for what runs, and the control groups of the machine.
  const start = `docker run -d -t --name "$1" --cap-add SYS_ADMIN --security-opt seccomp=unconfined \
    --security-opt apparmor=unconfined --cgroupns host -v /sys/fs/cgroup:/sys/fs/cgroup --tmpfs /run --tmpfs /tmp \
    -e container=docker "$2" /lib/systemd/systemd --unit=basic.target && echo ready && exec sleep infinity`
  const kept = await keep(['sh', '-c', start, 'sh', container, SYSTEMD_IMAGE], {
    readyLine: 'ready',
    within: '60s',
    afterwards: { script: 'docker rm -f "$1"', args: [container] },
  })
  try {
    await eventually(
      async () => {
        const { stdout } = await runHere(['docker', 'exec', container, 'systemctl', 'is-system-running'])
        const state = stdout.trim()
        return ['running', 'degraded'].includes(state) ? { done: true, value: state } : { done: false, seen: state }
      },
      { within: '60s', every: '200ms', describe: 'systemd to run' },
    )
    const login = await startSshd(container)
    return {
      host: settings('systemd-host', { kind: 'container', container }),
      logins: { plain: login('plain'), lingering: login('lingering'), spared: login('spared') },
      [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
    }
  } catch (error) {
    await kept[Symbol.asyncDispose]()
    throw error
  }
}

/** Starts an sshd that opens sessions of logind's. @returns how to log in as somebody */
async function startSshd(container: string): Promise<(user: SystemdUser) => HostSettings> {
  const host = newKeyPair()
  const client = newKeyPair()
  const files = {
    '/bed/sshd_config': `UsePAM yes\n${sshdConfig('/bed')}`,
    '/bed/host_key': host.privateKey,
    '/bed/authorized_keys': `${client.publicKey}\n`,
    '/etc/systemd/logind.conf.d/bed.conf': '[Login]\nKillUserProcesses=yes\nKillExcludeUsers=root spared\n',
  }
  for (const [path, content] of Object.entries(files)) {
    await must(['docker', 'exec', '-i', container, 'sh', '-c', WRITE, 'sh', path], { stdin: Buffer.from(content) })
  }
  await must(['docker', 'exec', container, 'sh', '-c', START_SSHD], { within: '60s' })
  const address = ['docker', 'inspect', '-f', '{{.NetworkSettings.Networks.bridge.IPAddress}}', container]
  const shell = {
    kind: 'ssh',
    host: (await must(address)).trim(),
    privateKey: new Secret(client.privateKey),
    hostKeys: { fingerprints: [host.fingerprint] },
  } as const
  return (username) => settings(username, { ...shell, username })
}

function settings(name: string, shell: HostSettings['shell']): HostSettings {
  return {
    name,
    dc: 'east',
    shell,
    aliases: [],
    addresses: [],
    managementNetworks: [],
    leaseDirectory: `/var/tmp/leases-${name}`,
  }
}

/** To the path `$1`. The key of the host is its own; what users log in with everybody may read. */
const WRITE = `mkdir -p "\${1%/*}" && cat >"$1" && case $1 in *_key) chmod 600 "$1" ;; *) chmod 644 "$1" ;; esac`
const START_SSHD = `set -e
for user in plain lingering spared; do useradd -m -p '*' "$user"; done
loginctl enable-linger lingering
# Until then none but root may log in.
systemctl start systemd-user-sessions
mkdir -p /run/sshd
systemd-run --unit=bed-sshd /usr/sbin/sshd -D -f /bed/sshd_config
until bash -c 'exec 3<>/dev/tcp/127.0.0.1/22'; do sleep 0.05; done 2>/dev/null`
