import { randomBytes } from 'node:crypto'
import type { HostSettings } from '../../../lib/hosts/index.ts'
import { eventually } from '../../../lib/core/index.ts'
import { keep } from './kept.ts'
import { runHere } from './namespaces.ts'

/** The image that `.ci/machine docker` makes; the public one of that name has no systemd. */
export const SYSTEMD_IMAGE = 'debian:bookworm-slim'

/** A container whose first process is systemd. */
export interface SystemdBed extends AsyncDisposable {
  readonly host: HostSettings
}

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
  } catch (error) {
    await kept[Symbol.asyncDispose]()
    throw error
  }
  return {
    host: {
      name: 'systemd-host',
      dc: 'east',
      shell: { kind: 'container', container },
      aliases: [],
      addresses: [],
      managementNetworks: [],
      leaseDirectory: '/var/tmp/leases',
    },
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  }
}
