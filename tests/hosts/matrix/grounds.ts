import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { dcEastWest } from '../../../environments/dc-east-west.ts'
import { resolveEnvironment, type DcName, type ResolvedEnvironment } from '../../../lib/environment/index.ts'
import type { DcClients, FaultEnvironment } from '../../../lib/faults/index.ts'
import { openShells } from '../../../lib/hosts/index.ts'
import { openDataExchange, openManagement } from '../../../lib/streams/index.ts'
import type { MACHINES } from '../beds/bed.ts'
import { type Bed } from '../beds/bed.ts'
import { bedEnvironment } from '../beds/environment.ts'
import { must, outputOf, runHere } from '../beds/namespaces.ts'
import { collectParts } from '../beds/parts.ts'
import type { HostState } from '../kill-matrix/host-state.ts'
import { newVictim, noClients, stateWithLeases, type Ground } from './ground.ts'

const SAFETY: FaultEnvironment['safety'] = {
  maxFaults: 1,
  allow: ['process', 'link', 'job', 'host', 'instance', 'data-center'],
  leaseTtl: '15s',
}

/** A bed as a ground. `realDisk`: a directory of machine a on a disk. */
export async function bedGround(startBed: () => Promise<Bed>, realDisk: string): Promise<Ground> {
  const parts = collectParts()
  try {
    const bed = parts.use(await startBed())
    const victim = newVictim()
    outputOf(await bed.exec('a', { script: `mkdir -p ${realDisk}\n${victim.start}` }), ['the victim'])
    const shells = parts.use(openShells([bed.hosts.a, bed.hosts.b]))
    return {
      environment: bedEnvironment(bed, { safety: SAFETY }),
      clients: noClients,
      stopConditions: [],
      shells,
      places: { host: bed.hosts.a.name, victim: victim.pattern, smallDisk: '/mnt/snapshots', realDisk },
      async state() {
        const of = (name: (typeof MACHINES)[number]): Promise<HostState> =>
          stateWithLeases((script) => bed.exec(name, { script }), bed.hosts[name].leaseDirectory)
        return { a: await of('a'), b: await of('b') }
      },
      [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
    }
  } catch (error) {
    await parts[Symbol.asyncDispose]()
    throw error
  }
}

/** The embedded lab, whose hosts are this machine. */
export async function localGround(): Promise<Ground> {
  const lab = await startLab('embedded')
  const victim = newVictim()
  lab.parts.defer(async () => void (await must({ script: victim.stop })))
  await must({ script: victim.start })
  const { environment } = lab
  return {
    ...lab,
    places: { host: 'east', victim: victim.pattern, smallDisk: environment.leaseDirectory, realDisk: '/var/tmp' },
    async state() {
      const state = await stateWithLeases((script) => runHere({ script }), environment.leaseDirectory)
      // Interfaces and mounts of other things come and go here, with Docker's rules for them.
      const { rule = '', leases = '' } = state
      const foreign = (line: string): boolean => /docker|br-|^[:*]|COMMIT/i.test(line)
      const rules = linesOf(state['iptables'], state['ip6tables']).filter((line) => !foreign(line))
      const workers = linesOf(state['workers']).filter((line) => line.includes(environment.leaseDirectory))
      const own = await ownPids(lab.clients, victim.pattern)
      const stopped = linesOf(state['stopped']).filter((line) => own.has(line.split(' ')[0] ?? '')).length
      return {
        'this machine': {
          rule,
          leases,
          stopped: String(stopped),
          rules: rules.join('\n'),
          workers: workers.join('\n'),
        },
      }
    },
  }
}

/** The container lab: two data centres in containers, with Streams, reached over SSH. */
export async function containerGround(): Promise<Ground> {
  const lab = await startLab('containers')
  const { environment } = lab
  const file = join(environment.labFacts?.directory ?? '', 'containers.json')
  const { containers } = containersFile.parse(JSON.parse(readFileSync(file, 'utf8')))
  const machines = environment.hosts.map(({ name, dc, leaseDirectory }) => {
    const [container = ''] = containers[dc]
    return {
      name,
      leaseDirectory,
      exec: (script: string) => runHere(['docker', 'exec', container, 'sh', '-c', script]),
    }
  })
  const [east] = machines
  if (!east) throw new Error('the container lab has no hosts')
  const victim = newVictim()
  return {
    ...lab,
    places: { host: east.name, victim: victim.pattern, smallDisk: '/dev/shm', realDisk: '/var/tmp' },
    async state() {
      // A loss of power ends it.
      await east.exec(`pgrep -f '${victim.pattern}' >/dev/null || { ${victim.start}\n}`)
      const states: Record<string, HostState> = {}
      for (const { name, exec, leaseDirectory } of machines) states[name] = await stateWithLeases(exec, leaseDirectory)
      return states
    },
  }
}

const containersFile = z.object({ containers: z.record(z.enum(['east', 'west']), z.array(z.string())) })

async function startLab(target: 'embedded' | 'containers') {
  const parts = collectParts()
  const environment: ResolvedEnvironment = parts.use(
    await resolveEnvironment(dcEastWest, { target, env: {}, file: null }),
  )
  const shells = parts.use(openShells(environment.hosts))
  const open = (dc: DcName): DcClients => {
    const { management, data, instance } = environment.dcs[dc]
    const { username, password, tls } = management
    const credentials = { username, password }
    return {
      management: parts.use(openManagement({ dc, url: management.url, credentials, tls, instance })),
      data: parts.use(openDataExchange({ dc, url: data.url, credentials, tls })),
    }
  }
  return {
    parts,
    environment,
    shells,
    clients: { east: open('east'), west: open('west') },
    [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
  }
}

/** Pids of the lab's PEs and of the victim: others may be stopped by whoever they belong to. */
async function ownPids(clients: Ground['clients'], victim: string): Promise<ReadonlySet<string>> {
  const pes = await Promise.all(Object.values(clients).map(({ management }) => management.pes()))
  const found = await runHere(['pgrep', '-f', victim])
  return new Set([...pes.flat().map(({ processId }) => String(processId)), ...found.stdout.trim().split('\n')])
}

function linesOf(...texts: readonly (string | undefined)[]): string[] {
  return texts.flatMap((text) => (text ?? '').split('\n'))
}
