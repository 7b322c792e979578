import { hostname, release } from 'node:os'
import type * as Testcontainers from 'testcontainers'
import { z } from 'zod'
import { messageOf } from '../../core/index.ts'
import type { DockerEndpoint } from './docker-api.ts'
import { ContainersUnavailableError } from './errors.ts'

/** A Docker daemon that answers. */
export interface ContainerRuntime {
  readonly client: Testcontainers.ContainerRuntimeClient
  /** Where published ports are reached. */
  readonly host: string
  /** How programs without testcontainers reach the daemon. */
  readonly endpoint: DockerEndpoint
  /** `x64`, `arm64`, as Node spells it. */
  readonly architecture: string
  /** Containers run under this very kernel: same monotonic clock, same files. */
  readonly sharesKernel: boolean
}

const modem = z.object({
  socketPath: z.string().optional(),
  host: z.string().nullish(),
  port: z.coerce.number().optional(),
  protocol: z.string().optional(),
  ca: z.union([z.string(), z.instanceof(Buffer)]).nullish(),
  cert: z.union([z.string(), z.instanceof(Buffer)]).nullish(),
  key: z.union([z.string(), z.instanceof(Buffer)]).nullish(),
})
const information = z.object({ Name: z.string(), KernelVersion: z.string(), Architecture: z.string() })
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x86_64: 'x64',
  amd64: 'x64',
  aarch64: 'arm64',
  arm64: 'arm64',
}

/**
 * Finds the Docker daemon as testcontainers does: DOCKER_HOST, the context, the usual sockets.
 * @throws ContainersUnavailableError if there is none, or none that this lab can use
 */
export async function openRuntime(): Promise<ContainerRuntime> {
  // Loaded only here: it takes a while, and whoever has no Docker does not need it installed.
  let testcontainers: typeof Testcontainers
  try {
    testcontainers = await import('testcontainers')
  } catch (cause) {
    throw new ContainersUnavailableError(`The package testcontainers cannot be loaded: ${messageOf(cause)}.`, {
      remedy: 'Install it: npm install --save-dev testcontainers@11.',
      cause,
    })
  }
  try {
    const client = await testcontainers.getContainerRuntimeClient()
    const { dockerode } = client.container
    const info = information.parse(await dockerode.info())
    return {
      client,
      host: client.info.containerRuntime.host === 'localhost' ? '127.0.0.1' : client.info.containerRuntime.host,
      endpoint: endpointOf(modem.parse(dockerode.modem)),
      architecture: ARCHITECTURES[info.Architecture] ?? info.Architecture,
      sharesKernel: process.platform === 'linux' && info.Name === hostname() && info.KernelVersion === release(),
    }
  } catch (cause) {
    if (cause instanceof ContainersUnavailableError) throw cause
    throw new ContainersUnavailableError(`No Docker daemon answers: ${messageOf(cause)}.`, {
      remedy: 'Start Docker, or set DOCKER_HOST; the embedded lab needs none (FAILOVER_TARGET=embedded).',
      cause,
    })
  }
}

function endpointOf({ socketPath, host, port, protocol, ca, cert, key }: z.infer<typeof modem>): DockerEndpoint {
  if (socketPath !== undefined) return { socketPath }
  if (protocol === 'ssh' || !host) {
    throw new ContainersUnavailableError('A Docker daemon behind SSH cannot host the container lab.', {
      remedy: 'Set DOCKER_HOST to a socket (unix://…) or to tcp://….',
    })
  }
  const pem = { ca: ca?.toString(), cert: cert?.toString(), key: key?.toString() }
  const given = Object.fromEntries(Object.entries(pem).filter(([, text]) => text !== undefined))
  return { host, port: port ?? 2375, ...(protocol === 'https' ? { tls: given } : {}) }
}
