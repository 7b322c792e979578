import { outputOf } from '../beds/namespaces.ts'
import type { Bed, MachineName } from '../beds/bed.ts'
import { bedEnvironment } from '../beds/environment.ts'
import { newVictim, type Places } from '../matrix/ground.ts'
import { rows } from '../matrix/rows.ts'
import type { MatrixFault } from './plan.ts'
import type { Ground } from './trial.ts'

/** Kinds of faults that act on hosts alone and work on every kernel. */
const EVERYWHERE = [
  'network-partition',
  'one-way-partition',
  'host-isolation',
  'port-block',
  'packet-loss',
  'bandwidth',
  'flapping',
  'process-hang',
  'process-kept-down',
  'cpu-pressure',
  'memory-pressure',
  'disk-full',
  'file-descriptors',
  'snapshot-directory',
] as const

/** Kinds of the matrix on machines over SSH, whose kernel may have no netem. */
export const SSHD_KINDS: readonly string[] = EVERYWHERE

/** Kinds of the matrix on the VM, whose kernel has netem. */
export const VM_KINDS: readonly string[] = [
  ...EVERYWHERE.filter((kind) => kind !== 'flapping'),
  'latency',
  'corruption',
  'duplication',
  'reordering',
]

/** The fault of a kind as the matrix of kinds makes it, aimed at a ground. */
export function faultOf(kind: string, places: Places): MatrixFault {
  const row = rows[kind]
  if (!row) throw new Error(`the matrix has no row ${kind}`)
  return { kind, params: row.make(places).params }
}

/** A bed as ground of trials. `reset` makes a reboot of its machines, where they can. */
export async function bedGround(
  name: string,
  bed: Bed & { reset?(): Promise<void> },
  realDisk: string,
  { ttlMs, slackMs }: Pick<Ground, 'ttlMs' | 'slackMs'>,
): Promise<Ground & { readonly places: Places }> {
  const machine = (host: string): MachineName => (host === bed.hosts.a.name ? 'a' : 'b')
  const victim = newVictim()
  const startVictim = async (): Promise<void> => {
    const script = `pgrep -f '${victim.pattern}' >/dev/null || { ${victim.start}\n}`
    outputOf(await bed.exec('a', { script: `mkdir -p ${realDisk}\n${script}` }), ['the victim'])
  }
  await startVictim()
  let sshdIsGone = false
  return {
    name,
    ttlMs,
    slackMs,
    environment: bedEnvironment(bed),
    places: { host: bed.hosts.a.name, victim: victim.pattern, smallDisk: '/mnt/snapshots', realDisk },
    hosts: [bed.hosts.a, bed.hosts.b],
    exec: (host) => async (script) => bed.exec(machine(host), { script }, { within: '30s' }),
    kill: {
      'host goes dark': () => bed.cutManagement('a'),
      async 'sshd killed'() {
        sshdIsGone = true
        await bed.killSshd('a')
      },
      ...(bed.reset ? { 'host rebooted': () => bed.reset?.() ?? Promise.resolve() } : {}),
    },
    async restore() {
      await bed.restoreManagement('a')
      if (sshdIsGone) await bed.startSshd('a')
      sshdIsGone = false
      // A reboot ends it.
      await startVictim()
    },
  }
}
