import { messageOf } from '../../core/index.ts'
import type { DcName } from '../embedded/protocol.ts'
import { ContainerLabError } from './errors.ts'
import type { ContainerRuntime } from './runtime.ts'

/** The network of a data centre. */
export interface DcNetwork {
  readonly id: string
  readonly name: string
  readonly subnet: string
  /** Address of the router that leads to the other data centre. */
  readonly router: string
  /** Addresses of hosts. */
  host(index: number): string
}

const TRIES = 40
/** Ranges that are set aside for tests of network devices (RFC 2544), so that no site uses them. */
const RANGES: Readonly<Record<DcName, string>> = { east: '198.18', west: '198.19' }

/** Makes the networks of both data centres, each with a subnet that nothing else on the machine has. */
export async function makeNetworks(
  runtime: ContainerRuntime,
  id: string,
  labels: Readonly<Record<string, string>>,
): Promise<Record<DcName, DcNetwork>> {
  const make = async (dc: DcName): Promise<DcNetwork> => {
    const name = `failover-${id}-${dc}`
    let said = ''
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const block = Math.floor(Math.random() * 4096)
      const prefix = `${RANGES[dc]}.${block >> 4}`
      const first = (block & 15) * 16
      const subnet = `${prefix}.${first}/28`
      try {
        const network = await runtime.client.container.dockerode.createNetwork({
          Name: name,
          Driver: 'bridge',
          CheckDuplicate: true,
          Labels: { ...labels },
          IPAM: { Driver: 'default', Config: [{ Subnet: subnet, Gateway: `${prefix}.${first + 1}` }] },
          // Nothing here is for the world outside; and no address of the one side may be changed on its way to the other.
          Options: { 'com.docker.network.bridge.enable_ip_masquerade': 'false' },
        })
        const host = (index: number): string => `${prefix}.${first + 3 + index}`
        return { id: network.id, name, subnet, router: `${prefix}.${first + 2}`, host }
      } catch (error) {
        said = messageOf(error)
        // Of another lab, perhaps.
        if (!/overlap|pool/i.test(said)) break
      }
    }
    throw new ContainerLabError(`The network of ${dc} could not be made: ${said}`)
  }
  const [east, west] = await Promise.all([make('east'), make('west')])
  return { east, west }
}
