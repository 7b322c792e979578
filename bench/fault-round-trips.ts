import { existsSync } from 'node:fs'
import type { Client } from 'ssh2'
import { startSshdBed, type SshdBed } from '../tests/hosts/beds/sshd.ts'
import { bedEnvironment } from '../tests/hosts/beds/environment.ts'
import { loggedIn } from '../tests/hosts/beds/testing.ts'
import { now, Secret } from '../lib/core/index.ts'
import { createFaultEngine, networkPartition, type DcClients } from '../lib/faults/index.ts'
import { openShells, type HostSettings } from '../lib/hosts/index.ts'
import { Relay } from '../lib/lab/embedded/links/relay.ts'
import { openDataExchange, openManagement } from '../lib/streams/index.ts'
import type { BenchLine } from './line.ts'

const SAMPLES = process.env['BENCH_EFFORT'] === 'ci' ? 5 : 15
/** One way; what a host in another city is away. */
const DISTANCE_MS = 20

/**
 * How long a kernel fault on two hosts takes over warm SSH connections, in round trips of a bare `ssh2` exec of `true` on both at
 * once: near by, and at a distance, where round trips are what counts.
 */
export async function faultRoundTripsBench(): Promise<readonly BenchLine[]> {
  if (process.getuid?.() !== 0 || !existsSync('/usr/sbin/sshd')) {
    process.stderr.write('left out: it needs root and OpenSSH (.ci/machine sshd)\n')
    return []
  }
  const bed = await startSshdBed()
  try {
    const near = await measure(bed, [bed.hosts.a, bed.hosts.b])
    const relays = await Promise.all([distant(bed.hosts.a), distant(bed.hosts.b)])
    const far = await measure(
      bed,
      relays.map(({ host }) => host),
    )
    for (const { relay } of relays) relay.close()
    return [...lines('near by', near), ...lines(`${DISTANCE_MS} ms away`, far, '≤ 3')]
  } finally {
    await bed[Symbol.asyncDispose]()
  }
}

interface Times {
  readonly exec: number
  readonly armAndInject: number
  readonly confirm: number
  readonly heal: number
}

function lines(where: string, times: Times, aim?: string): BenchLine[] {
  const against = `a bare ssh2 exec of true on the same two hosts at once, ${where} (${times.exec.toFixed(1)} ms)`
  const ratio = (ms: number): number => Math.round((ms / times.exec) * 100) / 100
  return [
    {
      name: `fault arm + inject, ${where}`,
      ratio: ratio(times.armAndInject),
      unit: 'round trips',
      against,
      ...(aim ? { aim } : {}),
      met: aim === undefined || ratio(times.armAndInject) <= 3,
    },
    { name: `fault confirm, ${where}`, ratio: ratio(times.confirm), unit: 'round trips', against, met: true },
    { name: `fault heal, ${where}`, ratio: ratio(times.heal), unit: 'round trips', against, met: true },
  ]
}

/** Medians, in milliseconds. */
async function measure(bed: SshdBed, hosts: readonly HostSettings[]): Promise<Times> {
  const shells = openShells(hosts)
  const marks: { state: string; earliest: number; latest: number }[] = []
  const engine = createFaultEngine({
    environment: bedEnvironment(bed, { hosts }),
    clients: { east: nowhere('east'), west: nowhere('west') },
    recorder: {
      event(event) {
        if (event.type === 'fault') marks.push({ state: event.state, ...event.at })
      },
    },
    shells: shells.byName,
  })
  const bare = await Promise.all(hosts.map((host) => loggedIn(host)))
  // As ours: else the client's kernel holds a command back until the last packet is acknowledged.
  for (const client of bare) client.setNoDelay(true)
  try {
    const samples: Times[] = []
    // The first fault also connects; it is not counted.
    for (let i = 0; i <= SAMPLES; i++) {
      const execMs = Math.max(...(await Promise.all(bare.map(bareExec))))
      marks.length = 0
      const fault = await engine.inject(networkPartition('east', 'west'))
      const confirmedAt = now()
      await fault.heal()
      const healedAt = now()
      const of = (state: string) => marks.find((mark) => mark.state === state)
      const [armed, injected] = [of('armed'), of('injected')]
      if (!armed || !injected) throw new Error('the fault did not tell when it was armed and injected')
      if (i === 0) continue
      samples.push({
        exec: execMs,
        armAndInject: injected.latest - armed.earliest,
        confirm: confirmedAt - injected.latest,
        heal: healedAt - confirmedAt,
      })
    }
    const median = (key: keyof Times): number =>
      samples.map((sample) => sample[key]).toSorted((x, y) => x - y)[Math.floor(samples.length / 2)] ?? Number.NaN
    return {
      exec: median('exec'),
      armAndInject: median('armAndInject'),
      confirm: median('confirm'),
      heal: median('heal'),
    }
  } finally {
    for (const client of bare) client.end()
    await engine[Symbol.asyncDispose]()
    await shells[Symbol.asyncDispose]()
  }
}

/** A host behind a relay that delays each direction. */
async function distant(host: HostSettings): Promise<{ readonly host: HostSettings; readonly relay: Relay }> {
  const { shell } = host
  if (shell.kind !== 'ssh') throw new Error('a bed is reached over SSH')
  const relay = new Relay(() => ({ host: shell.host, port: shell.port ?? 22 }))
  const port = await relay.listen({ host: '127.0.0.1', port: 0 })
  relay.setFaults([{ fault: 'distance', direction: 'both', part: { delayMs: DISTANCE_MS } }])
  return { host: { ...host, shell: { ...shell, host: '127.0.0.1', port } }, relay }
}

/** How long `true` takes as a channel of its own on an open connection, without anything of ours. Milliseconds. */
function bareExec(client: Client): Promise<number> {
  const from = now()
  return new Promise((resolve, reject) => {
    client.exec('true', (error, channel) => {
      if (error) return reject(error)
      channel.on('close', () => resolve(now() - from)).resume()
    })
  })
}

/** Clients that nothing of this benchmark calls. */
function nowhere(dc: 'east' | 'west'): DcClients {
  const at = { dc, url: 'https://127.0.0.1:1', credentials: { username: 'nobody', password: new Secret('unused') } }
  return { management: openManagement({ ...at, instance: 'none' }), data: openDataExchange(at) }
}
