/**
 * A program for tests: a runner that injects faults into a lab that somebody else holds, and then only renews their leases.
 * Argument: a JSON file with the environment (password in the clear), the lease's time to live, and the faults.
 */
import { readFileSync } from 'node:fs'
import { Secret, type Duration } from '../core/index.ts'
import {
  createFaultEngine,
  faultKinds,
  jobCancelled,
  networkPartition,
  peHang,
  type DcClients,
  type Fault,
  type FaultEnvironment,
  type FaultKind,
} from './index.ts'
import { localShell } from '../hosts/index.ts'
import { openDataExchange, openManagement } from '../streams/index.ts'

type Plain = FaultEnvironment & { dcs: Record<'east' | 'west', { data: { url: string } }> }
const order = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as {
  environment: Plain
  password: Record<'east' | 'west', string>
  ttl: Duration
  /** Default: a partition, a cancelled job and a hanging PE. */
  faults?: { kind: string; params: unknown }[]
}

function dcOf(dc: 'east' | 'west') {
  const plain = order.environment.dcs[dc]
  return { ...plain, management: { ...plain.management, password: new Secret(order.password[dc]) } }
}

const environment: FaultEnvironment = { ...order.environment, dcs: { east: dcOf('east'), west: dcOf('west') } }

function clientsOf(dc: 'east' | 'west'): DcClients {
  const { management, instance } = environment.dcs[dc]
  const { url, username, password, tls } = management
  const credentials = { username, password }
  return {
    management: openManagement({ dc, url, credentials, tls, instance }),
    data: openDataExchange({ dc, url: order.environment.dcs[dc].data.url, credentials, tls }),
  }
}

const engine = createFaultEngine({
  environment,
  clients: { east: clientsOf('east'), west: clientsOf('west') },
  recorder: { event: () => undefined },
  shells: { east: localShell(), west: localShell() },
  ttl: order.ttl,
})
function ordered({ kind, params }: { kind: string; params: unknown }): Fault {
  const found = (faultKinds as readonly unknown[] as readonly FaultKind<unknown, unknown>[]).find(
    (candidate) => candidate.kind === kind,
  )
  if (!found) throw new Error(`there is no fault ${kind}`)
  return found.with(params)
}

const defaults = (): Fault[] => [
  networkPartition('east', 'west'),
  jobCancelled('east'),
  peHang('west', { operator: 'Logic' }),
]
for (const fault of order.faults?.map(ordered) ?? defaults()) await engine.inject(fault)
process.stdout.write('all faults are on\n')
setInterval(() => undefined, 1000)
