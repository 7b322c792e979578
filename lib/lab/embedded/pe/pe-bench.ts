import { fork, type ChildProcess } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleProgram } from '../../../bundle/index.ts'
import { eventually, type Probe } from '../../../core/index.ts'
import type { Address, DcName, FromPe, OperatorMetrics, PeKind, PeLaunch, Route, TupleFrame } from '../protocol.ts'
import { parseOwn } from '../parse.ts'
import { OperatorMemory } from './counters.ts'
import { encodeFrame, FrameReader } from './frames.ts'

/** A line of the truth file. */
export interface TruthLine {
  readonly at: number
  readonly dc: string
  readonly event: string
  readonly [field: string]: unknown
}

/** A PE process that a test has launched, as a site would. */
export interface LaunchedPe {
  readonly process: ChildProcess
  readonly messages: readonly FromPe[]
  readonly ready: () => Promise<void>
  readonly metrics: () => Promise<readonly OperatorMetrics[]>
  /** nTuplesSubmitted or nTuplesProcessed of a port. */
  readonly count: (operator: string, direction: 'in' | 'out', port?: number) => Promise<number>
  readonly traces: () => string
  readonly exited: () => Promise<{ code: number | null; signal: string | null }>
}

/** A client of the tuple protocol, as a data service is. */
export interface TupleClient {
  readonly batch: (
    operator: string,
    items: readonly unknown[],
    port?: number,
  ) => Promise<Extract<TupleFrame, { type: 'ack' | 'nack' }>>
  readonly read: (max?: number, since?: number) => Promise<Extract<TupleFrame, { type: 'items' }>>
  readonly taken: (id: number) => void
  readonly close: () => void
}

/** One data centre's PEs without a site: launch documents are made here, and life is this process's. */
export class PeBench {
  readonly directory: string
  readonly truthFile: string
  readonly #program: string
  readonly #lifeSocket: string
  readonly #life: Server
  readonly #living = new Set<Socket>()
  readonly #processes: ChildProcess[] = []
  readonly #clients: Socket[] = []

  private constructor(directory: string, program: string, life: Server) {
    this.directory = directory
    this.truthFile = join(directory, 'truth.jsonl')
    this.#program = program
    this.#lifeSocket = join(directory, 'life.sock')
    this.#life = life
    life.on('connection', (socket) => {
      this.#living.add(socket)
      socket.on('error', () => {})
      socket.resume()
    })
  }

  static async open(): Promise<PeBench> {
    const directory = await mkdtemp(join(tmpdir(), 'pe-'))
    const life = createServer()
    await new Promise<void>((resolve) => life.listen(join(directory, 'life.sock'), resolve))
    const program = await bundleProgram(fileURLToPath(new URL('../pe.main.ts', import.meta.url)))
    return new PeBench(directory, program, life)
  }

  launch(
    dc: DcName,
    kind: PeKind,
    peers: Readonly<Partial<Record<PeKind, Address>>>,
    options: {
      readonly parameters?: Record<string, string>
      readonly defects?: readonly string[]
      readonly crossDc?: { listen: readonly { port: number; at: Address }[]; routes: readonly Route[] }
      readonly listen?: Address
      readonly timeScale?: number
    } = {},
  ): LaunchedPe {
    const listen = options.listen ?? peers[kind]
    if (!listen) throw new Error(`no address for ${kind}`)
    const launch: PeLaunch = {
      dc,
      instance: 'test',
      jobId: '0',
      peId: `${dc}-${kind}`,
      kind,
      launchCount: 1,
      lifeSocket: this.#lifeSocket,
      truthFile: this.truthFile,
      timeScale: options.timeScale ?? 0.05,
      defects: options.defects ?? [],
      parameters: options.parameters ?? {},
      dataDirectory: this.directory,
      listen,
      peers,
      crossDc: options.crossDc ?? { listen: [], routes: [] },
    }
    const child = fork(this.#program, [], {
      env: { ...process.env, FAILOVER_PE: JSON.stringify(launch) },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#processes.push(child)
    return observe(child, `${dc} ${kind}`)
  }

  async client(address: Address): Promise<TupleClient> {
    const socket = connect({ ...address, noDelay: true })
    this.#clients.push(socket)
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    return tupleClient(socket)
  }

  async truth(): Promise<TruthLine[]> {
    const text = await readFile(this.truthFile, 'utf8').catch(() => '')
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => parseOwn<TruthLine>(line))
  }

  /** Drops the life connections, as the death of a supervisor does. */
  endLife(): void {
    for (const socket of this.#living) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#clients) socket.destroy()
    for (const child of this.#processes) child.kill('SIGKILL')
    this.endLife()
    await new Promise((resolve) => this.#life.close(resolve))
    await rm(this.directory, { recursive: true, force: true })
  }
}

function observe(child: ChildProcess, name: string): LaunchedPe {
  const messages: FromPe[] = []
  const memory = new OperatorMemory()
  const waiting = new Map<number, (operators: readonly OperatorMetrics[]) => void>()
  let nextId = 1
  child.on('message', (message: FromPe) => {
    if (message.type === 'metrics') waiting.get(message.id)?.(memory.update(message.operators))
    else messages.push(message)
  })
  const exit = new Promise<{ code: number | null; signal: string | null }>((resolve) =>
    child.once('exit', (code, signal) => resolve({ code, signal })),
  )
  const metrics = (): Promise<readonly OperatorMetrics[]> => {
    const id = nextId++
    child.send({ type: 'collect', id })
    return new Promise((resolve) => waiting.set(id, resolve))
  }
  return {
    process: child,
    messages,
    ready: async () => {
      const isReady = (): Probe<true> =>
        messages.some(({ type }) => type === 'ready') ? { done: true, value: true } : { done: false, seen: 'not ready' }
      await eventually(() => Promise.resolve(isReady()), {
        within: '10s',
        every: '5ms',
        describe: `${name} to be ready`,
      })
    },
    metrics,
    count: async (operator, direction, port = 0) => {
      const found = (await metrics()).find((one) => one.name === operator)
      const ports = direction === 'in' ? found?.inputPorts : found?.outputPorts
      const wanted = direction === 'in' ? 'nTuplesProcessed' : 'nTuplesSubmitted'
      return ports?.[port]?.metrics.find((metric) => metric.name === wanted)?.value ?? NaN
    },
    traces: () => messages.flatMap((message) => (message.type === 'trace' ? [message.text] : [])).join('\n'),
    exited: () => exit,
  }
}

function tupleClient(socket: Socket): TupleClient {
  const reader = new FrameReader()
  const waiting = new Map<number, (frame: TupleFrame) => void>()
  let nextId = 1
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    reader.push(chunk, (frame) => {
      waiting.get(frame.id)?.(frame)
      waiting.delete(frame.id)
    })
  })
  const ask = <T extends TupleFrame>(make: (id: number) => TupleFrame): Promise<T> => {
    const id = nextId++
    socket.write(encodeFrame(make(id)))
    return new Promise((resolve) => waiting.set(id, (frame) => resolve(frame as T)))
  }
  return {
    batch: (operator, items, port = 0) => ask((id) => ({ type: 'batch', id, operator, port, items })),
    read: (max = 1000, since = 0) => ask((id) => ({ type: 'read', id, operator: 'Results', port: 0, since, max })),
    taken: (id) => void socket.write(encodeFrame({ type: 'taken', id })),
    close: () => socket.destroy(),
  }
}

/** Free loopback addresses, one per name. */
export async function freeAddresses<K extends string>(names: readonly K[]): Promise<Record<K, Address>> {
  const entries = await Promise.all(
    names.map(async (name) => {
      const server = createServer()
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const address = server.address()
      await new Promise((resolve) => server.close(resolve))
      const port = typeof address === 'object' && address ? address.port : 0
      return [name, { host: '127.0.0.1', port }] as const
    }),
  )
  return Object.fromEntries(entries) as Record<K, Address>
}
