import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, symlinkSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Secret, type Duration } from '../../core/index.ts'
import { localShell, type Shell } from '../../hosts/index.ts'
import { openDataExchange, openManagement } from '../../streams/index.ts'
import type { DcClients } from '../definition.ts'
import { createFaultEngine } from '../engine.ts'
import type { FaultEngine } from '../active.ts'
import type { FaultEnvironment, FaultHost } from '../target.ts'

/** Name of the host that a {@link localBench} has: this machine. */
export const HERE = 'here'

/** This machine as a host of an environment, to be broken in a small way. */
export interface LocalBench extends AsyncDisposable {
  readonly shell: Shell
  readonly environment: FaultEnvironment
  /** A directory of this bench's own. */
  readonly directory: string
  engine(options?: { readonly ttl?: Duration; readonly host?: Partial<FaultHost> }): FaultEngine
  /** Names of the leases that lie there. */
  leases(): readonly string[]
  /** Takes one of its directories away at once, whoever is just writing there. */
  vanish(path: string): void
}

/** Options of {@link localBench}. */
export interface LocalBenchOptions {
  /** Directory of an `sh` of one's own. */
  readonly bin?: string
  /** A shell of one's own. */
  readonly shell?: Shell
  readonly host?: Partial<FaultHost>
}

/** An environment of this one machine, without Streams. */
export function localBench({ bin, shell: given, host }: LocalBenchOptions = {}): LocalBench {
  const directory = mkdtempSync(join(tmpdir(), 'failover-local-'))
  const shell = given ?? localShell({ name: HERE, ...(bin ? { env: { PATH: `${bin}:${process.env['PATH']}` } } : {}) })
  const leaseDirectory = join(directory, 'leases')
  const here: FaultHost = {
    name: HERE,
    dc: 'east',
    aliases: [],
    addresses: [],
    managementNetworks: [],
    leaseDirectory,
    ...host,
  }
  const environment: FaultEnvironment = {
    name: 'this machine',
    timeScale: 1,
    dcs: { east: noStreams, west: noStreams },
    operatorPrefix: 'CrossDCFailover',
    hosts: [here],
    links: [],
    capabilities: ['processes', 'resources'],
    safety: { maxFaults: 4, allow: ['process', 'host'], leaseTtl: '10s' },
    leaseDirectory,
  }
  const clients = { east: noClients('east'), west: noClients('west') }
  const engines: FaultEngine[] = []
  return {
    shell,
    environment,
    directory,
    engine(options = {}) {
      const engine = createFaultEngine({
        environment: { ...environment, hosts: [{ ...here, ...options.host }] },
        clients,
        recorder: { event: () => undefined },
        shells: { [HERE]: shell },
        stopConditions: [],
        ...(options.ttl === undefined ? {} : { ttl: options.ttl }),
      })
      engines.push(engine)
      return engine
    },
    vanish: (path) => renameSync(path, mkdtempSync(join(directory, 'gone-'))),
    leases: () => (existsSync(leaseDirectory) ? readdirSync(leaseDirectory) : []),
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(engines.map((engine) => engine[Symbol.asyncDispose]()))
      await shell[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

const noStreams: FaultEnvironment['dcs']['east'] = {
  management: {
    url: 'https://127.0.0.1:1/streams',
    username: 'nobody',
    password: new Secret('no Streams here'),
    tls: {},
  },
  instance: 'none',
  application: {
    job: 'none',
    bundle: 'none.sab',
    parameters: {},
    operators: { ingest: 'Ingest', results: 'Results', special: 'SpecialMessage' },
  },
}

function noClients(dc: 'east' | 'west'): DcClients {
  const { url, username, password, tls } = noStreams.management
  const credentials = { username, password }
  return {
    management: openManagement({ dc, url, credentials, tls, instance: noStreams.instance }),
    data: openDataExchange({ dc, url, credentials, tls }),
  }
}

/** Directories with an `sh`, one for each POSIX shell that this machine has. With busybox come its own tools, too. */
export function shellsOf(root: string): readonly { readonly name: string; readonly bin: string }[] {
  return ['dash', 'bash', 'busybox'].flatMap((name) => {
    const found = which(name)
    if (found === undefined) return []
    const bin = join(root, `bin-${name}`)
    mkdirSync(bin)
    symlinkSync(found, join(bin, 'sh'))
    if (name === 'busybox') {
      const applets = execFileSync(found, ['--list'], { encoding: 'utf8' }).split('\n')
      for (const applet of applets.filter((one) => TOOLS.includes(one))) symlinkSync(found, join(bin, applet))
    }
    return [{ name, bin }]
  })
}

/** Tools that our scripts use. */
const TOOLS = (
  'cat cksum chmod cut date dd df fallocate grep head id kill ln ls mkdir mkfifo mount mv nice nproc ps ' +
  'readlink rm sed setsid sleep sort stat su sync tail timeout touch tr umount wc'
).split(' ')

function which(name: string): string | undefined {
  try {
    return execFileSync('sh', ['-c', 'command -v "$1"', 'sh', name], { encoding: 'utf8' }).trim()
  } catch {
    return undefined
  }
}
