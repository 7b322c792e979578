import { Secret } from '../../../lib/core/index.ts'
import type { FaultDc, FaultEnvironment, FaultLink } from '../../../lib/faults/index.ts'
import type { Bed } from './bed.ts'

/** What a fault engine must know of a bed: two data centres with a host each, and no Streams on them. */
export function bedEnvironment(bed: Bed, changes: Partial<FaultEnvironment> = {}): FaultEnvironment {
  const { a, b } = bed.hosts
  const noStreams = (host: string): FaultDc => ({
    management: {
      url: `https://${host}:${bed.ports.management}/streams`,
      username: 'nobody',
      password: new Secret('there is no Streams on a bed'),
      tls: {},
    },
    instance: 'none',
    application: {
      job: 'none',
      bundle: 'none.sab',
      parameters: {},
      operators: { ingest: 'Ingest', results: 'Results', special: 'SpecialMessage' },
    },
  })
  const link = (from: 'east' | 'west', to: 'east' | 'west', port: 'heartbeat' | 'snapshot'): FaultLink => ({
    id: `${from}-${to}-${port}`,
    from,
    to,
    port,
    host: bed.addresses[to === 'east' ? 'a' : 'b'].ipv4,
    listenPort: bed.ports[port],
  })
  return {
    name: 'bed',
    timeScale: 1,
    dcs: { east: noStreams(bed.addresses.a.ipv4), west: noStreams(bed.addresses.b.ipv4) },
    operatorPrefix: 'CrossDCFailover',
    hosts: [a, b],
    links: [
      link('east', 'west', 'heartbeat'),
      link('east', 'west', 'snapshot'),
      link('west', 'east', 'heartbeat'),
      link('west', 'east', 'snapshot'),
    ],
    capabilities: ['processes', 'links', 'packets', 'resources'],
    safety: { maxFaults: 4, allow: ['process', 'link', 'job', 'host', 'instance', 'data-center'], leaseTtl: '3s' },
    leaseDirectory: '/tmp/failover-bed-leases',
    ...changes,
  }
}
