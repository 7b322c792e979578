import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../../core/index.ts'
import { formatConfigurationFile } from '../../../toolkit/configuration.ts'
import type { Address, DcName } from '../protocol.ts'
import { HEARTBEAT_PATH } from '../toolkit/cross-data-center-failover.ts'
import { freeAddresses, PeBench, type LaunchedPe, type TruthLine } from './pe-bench.ts'

const TIME_SCALE = 0.05
const DCS = ['east', 'west'] as const
const peerOf = (dc: DcName): DcName => (dc === 'east' ? 'west' : 'east')

type Names = `${DcName}-${'heartbeat' | 'data' | 'cross-dc' | 'logic' | 'sink'}`

/** Two composites over real HTTP, each with a logic and a sink behind it if wanted. */
class Pair {
  readonly bench: PeBench
  readonly #at: Record<Names, Address>

  private constructor(bench: PeBench, at: Record<Names, Address>) {
    this.bench = bench
    this.#at = at
  }

  static async open(): Promise<Pair> {
    const names = DCS.flatMap((dc) =>
      (['heartbeat', 'data', 'cross-dc', 'logic', 'sink'] as const).map((role) => `${dc}-${role}` as const),
    )
    return new Pair(await PeBench.open(), await freeAddresses(names))
  }

  url(dc: DcName, role: 'heartbeat' | 'data'): string {
    return `http://127.0.0.1:${this.#at[`${dc}-${role}`].port}`
  }

  address(dc: DcName, role: 'cross-dc' | 'logic' | 'sink'): Address {
    return this.#at[`${dc}-${role}`]
  }

  snapshots(dc: DcName): Promise<string[]> {
    return readdir(join(this.bench.directory, `snapshots-${dc}`)).catch(() => [])
  }

  async launch(
    dc: DcName,
    kind: 'cross-dc' | 'passive' | 'logic' | 'sink',
    options: {
      readonly file?: Record<string, string>
      readonly parameters?: Record<string, string>
      readonly withLogic?: boolean
    } = {},
  ): Promise<LaunchedPe> {
    const { bench } = this
    const peer = peerOf(dc)
    const configFileName = join(bench.directory, `${dc}.txt`)
    const values = {
      localDataCenterName: dc,
      remoteDataCenterApplicationMachineNames: `${peer}-host`,
      crossDCInitDelay: '1',
      heartbeatExchangeInterval: '1',
      consecutiveHeartbeatMissesAllowed: '3',
      dataSnapshotExchangeInterval: '4',
      dataSnapshotStorageDirectory: join(bench.directory, `snapshots-${dc}`),
      ...options.file,
    }
    await mkdir(values.dataSnapshotStorageDirectory, { recursive: true })
    await writeFile(configFileName, formatConfigurationFile(values))
    const listen = (['heartbeat', 'data'] as const).map((role, i) => ({
      port: 25_091 + i,
      at: this.#at[`${dc}-${role}`],
    }))
    const routes = (['heartbeat', 'data'] as const).map((role, i) => ({
      host: `${peer}-host`,
      port: 25_091 + i,
      via: this.#at[`${peer}-${role}`],
    }))
    const logic = { logic: this.#at[`${dc}-logic`], sink: this.#at[`${dc}-sink`] }
    const crossDc = { 'cross-dc': this.#at[`${dc}-cross-dc`] }
    return bench.launch(
      dc,
      kind,
      { ...(options.withLogic ? logic : {}), ...crossDc },
      {
        listen: this.#at[`${dc}-${kind === 'passive' ? 'cross-dc' : kind}`],
        parameters: { configFileName, ...options.parameters },
        crossDc: { listen, routes },
        timeScale: TIME_SCALE,
      },
    )
  }

  async truth(dc: DcName, event: string, matches: (line: TruthLine) => boolean = () => true): Promise<TruthLine> {
    const { value } = await eventually(
      async () => {
        const lines = await this.bench.truth()
        const found = lines.find((line) => line.dc === dc && line.event === event && matches(line))
        const seen = lines.map((line) => `${line.dc} ${line.event}`).filter((text) => !text.includes('heartbeat'))
        return found ? { done: true, value: found } : { done: false, seen: seen.slice(-6).join(', ') }
      },
      { within: '10s', every: '10ms', describe: `${event} at ${dc}` },
    )
    return value
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.bench[Symbol.asyncDispose]()
  }
}

describe('the composite in a process of its own', () => {
  it('replicates state over HTTP, and hands it to the logic of the survivor before that owns the work', async () => {
    await using pair = await Pair.open()
    const east = await Promise.all(
      (['logic', 'sink', 'cross-dc'] as const).map((kind) => pair.launch('east', kind, { withLogic: true })),
    )
    const west = await Promise.all(
      (['logic', 'sink', 'cross-dc'] as const).map((kind) => pair.launch('west', kind, { withLogic: true })),
    )
    await Promise.all([...east, ...west].map((pe) => pe.ready()))
    const inject = await pair.bench.client(pair.address('west', 'logic'))
    const tap = await pair.bench.client(pair.address('west', 'sink'))
    const tuple = { seq: 7, key: 'w', home: 'west', keySeq: 1, sentAt: 0, value: 5, payload: '', checksum: 0 }
    const done = inject.batch('Logic', [tuple, { ...tuple, seq: 8 }])
    const taken = await eventually(
      async () => {
        const { items, id } = await tap.read()
        tap.taken(id)
        return items.length > 0 ? { done: true, value: items } : { done: false, seen: 'nothing' }
      },
      { within: '5s', every: '5ms', describe: 'the results' },
    )
    expect(taken.value).toHaveLength(2)
    await done
    const snapshot = await pair.truth('west', 'snapshot-taken', ({ keys }) => keys === 1)
    await pair.truth('east', 'snapshot-stored', ({ at, name }) => name === 'west-0' && at > snapshot.at)
    for (const pe of west) pe.process.kill('SIGKILL')
    const down = await pair.truth('east', 'peer-view', ({ view }) => view === 'down')
    const adopted = await pair.truth('east', 'adopted')
    const owns = await pair.truth('east', 'owns', ({ home }) => Array.isArray(home) && home.length === 2)
    expect(adopted).toMatchObject({ keys: 1, items: 2 })
    expect(await pair.truth('east', 'takeover-end')).toMatchObject({ snapshots: 1 })
    expect(down.at).toBeLessThan(adopted.at)
    expect(adopted.at).toBeLessThan(owns.at)
    expect(await pair.snapshots('east')).toEqual([])
    const survivor = await pair.bench.client(pair.address('east', 'logic'))
    const eastTap = await pair.bench.client(pair.address('east', 'sink'))
    const continued = survivor.batch('Logic', [{ ...tuple, seq: 9 }])
    await pair.truth('east', 'first-output', ({ seq }) => seq === 9)
    expect((await eastTap.read()).items).toMatchObject([{ seq: 9, count: 3, sum: 15, dc: 'east' }])
    eastTap.close()
    await continued
    const crossDc = east[2]
    expect(await crossDc?.count('CrossDCFailover.RemoteDataCenterHeartbeatWatchdog', 'out')).toBe(2)
    expect(await crossDc?.count('CrossDCFailover.RemoteDCDataMerger', 'out')).toBe(1)
    const metrics = (await crossDc?.metrics()) ?? []
    expect(metrics.find(({ name }) => name.endsWith('CrossDataCenterReceiver[0]'))?.metrics).toMatchObject([
      { name: 'relativeOperatorCost' },
      { name: 'serverPort', kind: 'gauge', type: 'custom', value: 25_092 },
      { name: 'https', value: 0 },
    ])
    expect(crossDc?.traces()).toMatch(
      /_XXXXX_ Successfully replicated and persisted the data snapshot in this file: \//,
    )
    expect(east[0]?.traces()).toContain('-->Taking-over the replicated data: Remote DC=west, Key=w')
  })

  it('shuts down in order by a special message', async () => {
    await using pair = await Pair.open()
    const [east, west] = [await pair.launch('east', 'cross-dc'), await pair.launch('west', 'cross-dc')]
    await Promise.all([east.ready(), west.ready()])
    await pair.truth('east', 'peer-view')
    const client = await pair.bench.client(pair.address('west', 'cross-dc'))
    expect(await client.batch('SpecialMessage', [{ msg: 'OrderlyShutdown' }])).toMatchObject({ type: 'ack' })
    await pair.truth('west', 'quiesced')
    await pair.truth('east', 'peer-view', ({ view }) => view === 'down')
    expect(await west.count('SpecialMessage', 'out')).toBe(1)
    expect(await west.count('CrossDCFailover.HeartbeatMessagePreparer', 'out', 1)).toBe(1)
    expect(east.traces()).toContain('_XXXXX_ Received a remote DC orderly shutdown message')
  })

  it('passive: has the script run on DOWN, and has the ports until it is ended', async () => {
    await using pair = await Pair.open()
    const east = await pair.launch('east', 'cross-dc')
    const west = await pair.launch('west', 'passive', {
      file: { crossDCOperationMode: '0' },
      parameters: { shellScriptName: '/opt/launch.sh' },
    })
    await Promise.all([east.ready(), west.ready()])
    await pair.truth('west', 'peer-view')
    east.process.kill('SIGKILL')
    expect(await pair.truth('west', 'launch-app')).toMatchObject({ script: '/opt/launch.sh' })
    expect(west.traces()).toContain('Local DC Operation Mode=Passive, Remote DC Status=First contact not yet made.')
    // As the script does: the application first, then the end of its watcher.
    const application = await pair.launch('west', 'cross-dc')
    expect(west.messages).toContainEqual({ type: 'launch', script: '/opt/launch.sh' })
    west.process.kill('SIGTERM')
    await application.ready()
  })

  it('is silent without its file, and does not start with a value that cannot be cast', async () => {
    await using pair = await Pair.open()
    const silent = await pair.launch('east', 'cross-dc', { parameters: { configFileName: '/nowhere/crossdc.txt' } })
    await silent.ready()
    const answer = await fetch(`${pair.url('east', 'heartbeat')}${HEARTBEAT_PATH}`, {
      method: 'POST',
      body: Uint8Array.of(0),
      headers: { 'content-type': 'application/octet-stream' },
    })
    expect(answer.status, 'the receivers are there all the same').toBe(204)
    expect(await silent.count('CrossDCFailover.HeartbeatMessagePreparer', 'out')).toBe(0)
    const broken = await pair.launch('west', 'cross-dc', { file: { httpReadTimeout: '2.5' } })
    expect(await broken.exited()).toMatchObject({ code: 1 })
    expect(broken.traces()).toContain('httpReadTimeout="2.5"')
  })
})
