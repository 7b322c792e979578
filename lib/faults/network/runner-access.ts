import { isWithin, normalAddress } from './address.ts'
import type { HostNetwork } from './host-network.ts'
import type { ProbeGroup } from './paths.ts'

/**
 * Those ways from this machine to some hosts of which it is sure that a fault on all of a host's traffic cuts them, or that its
 * exemptions let them through. Sure is: through the address that SSH takes, or where nothing is exempt.
 */
export function reachedFromHere(
  groups: readonly ProbeGroup[],
  networks: readonly HostNetwork[],
  access: 'cut' | 'exempt',
): readonly ProbeGroup[] {
  return groups
    .map(({ what, candidates }) => ({
      what,
      candidates: candidates.filter(({ host }) => accessTo(host, networks) === access),
    }))
    .filter(({ candidates }) => candidates.length > 0)
}

function accessTo(address: string, networks: readonly HostNetwork[]): 'cut' | 'exempt' | 'unknown' {
  if (networks.every(({ managementNetworks }) => managementNetworks.length === 0)) return 'cut'
  const network = networks.find(({ control }) => control?.serverAddress === normalAddress(address))
  if (!network?.control) return 'unknown'
  return isWithin(network.control.clientAddress, network.managementNetworks) ? 'exempt' : 'cut'
}
