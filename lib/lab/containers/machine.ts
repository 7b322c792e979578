import { GenericContainer, Wait } from 'testcontainers'
import type { ContainerRuntime } from './runtime.ts'

/** How one container of the lab is started. */
export interface MachineOptions {
  readonly runtime: ContainerRuntime
  readonly image: string
  readonly name: string
  readonly hostname: string
  readonly role: 'host' | 'router'
  readonly labels: Readonly<Record<string, string>>
  /** Networks beside the management network, with the container's address there. */
  readonly networks: readonly { readonly id: string; readonly address: string }[]
  /** Subnets of the other data centre, by the router that leads there. */
  readonly routes?: readonly { readonly subnet: string; readonly via: string }[]
  /** Ports of the container, by the port of this machine that leads to each. */
  readonly ports?: readonly { readonly container: number; readonly host: number }[]
  readonly hostNames?: readonly { readonly host: string; readonly ipAddress: string }[]
  readonly files?: readonly { readonly content: string; readonly target: string; readonly mode: number }[]
  /** Directories of this machine whose files are copied there. */
  readonly directories?: readonly { readonly source: string; readonly target: string }[]
  /** Directories of this machine, or volumes, by where the container has them. */
  readonly mounts?: readonly { readonly source: string; readonly target: string }[]
}

const UP_WITHIN_MS = 30_000

/** Starts a container of the lab: on Docker's own bridge for management, and on its networks with fixed addresses. */
export async function startMachine(options: MachineOptions): Promise<void> {
  await new Machine(options).start()
}

class Machine extends GenericContainer {
  readonly #options: MachineOptions

  constructor(options: MachineOptions) {
    super(options.image)
    this.#options = options
    const { name, hostname, role, labels, routes = [], ports = [], hostNames = [], files = [], mounts = [] } = options
    const { directories = [] } = options
    this.withName(name)
      .withHostname(hostname)
      .withLabels({ ...labels })
      .withCommand([role])
      .withEnvironment({ FAILOVER_ROUTES: routes.map(({ subnet, via }) => `${subnet}=${via}`).join(' ') })
      .withNetworkMode('bridge')
      .withAddedCapabilities('NET_ADMIN')
      .withExposedPorts(...ports)
      .withExtraHosts([...hostNames])
      .withCopyContentToContainer([...files])
      .withCopyDirectoriesToContainer([...directories])
      .withBindMounts([...mounts])
      // A label and a watchdog of our own take care of that, also where Ryuk cannot run.
      .withAutoCleanup(false)
      .withStartupTimeout(UP_WITHIN_MS)
      .withWaitStrategy(Wait.forLogMessage('the container is up'))
    if (role === 'router') this.hostConfig.Sysctls = { 'net.ipv4.ip_forward': '1' }
  }

  /** Before its first process runs, all its networks are there. */
  protected override async containerCreated(id: string): Promise<void> {
    const { dockerode } = this.#options.runtime.client.container
    for (const { id: network, address } of this.#options.networks) {
      await dockerode.getNetwork(network).connect({
        Container: id,
        EndpointConfig: { IPAMConfig: { IPv4Address: address } },
      })
    }
  }
}
