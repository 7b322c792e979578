import { resolve } from 'node:path'
import { readConfiguration, type ToolkitConfiguration } from '../../../toolkit/configuration.ts'
import { blobReceiver, listen, type BlobHandler } from '../toolkit/blob-receiver.ts'
import {
  CrossDataCenterFailover,
  dataPath,
  HEARTBEAT_PATH,
  type CompositeOutputs,
} from '../toolkit/cross-data-center-failover.ts'
import { httpPost } from '../toolkit/http-post.ts'
import { systemScheduler } from '../toolkit/scheduler.ts'
import { fileStore } from '../toolkit/snapshot-store.ts'
import { LOGIC_PORTS } from './logic.ts'
import { toJson } from './messages.ts'
import { COMPOSITE } from './operators.ts'
import type { PeRuntime } from './runtime.ts'
import { asOwn } from '../parse.ts'

/** How late `takes-over-late` is, in real milliseconds. */
const LATE_MS = 4000

/** The toolkit's composite in a PE of its own, with the EndpointSource `SpecialMessage` in front of it. */
export async function runCrossDc(pe: PeRuntime): Promise<void> {
  const logic = pe.downstream('logic')
  const tell = (port: number, item: unknown): void => logic?.send('Logic', port, [item], () => {})
  const composite = await startComposite(pe, {
    dataSnapshotSignal: (message) => tell(LOGIC_PORTS.dataSnapshotSignal, toJson(message)),
    remoteDataCenterStatus: (active) => tell(LOGIC_PORTS.remoteDataCenterStatus, { activeOrInactive: active }),
    processDataFromRemoteDC: (message) => tell(LOGIC_PORTS.processDataFromRemoteDC, toJson(message)),
  })
  const special = pe.counters.output('SpecialMessage', 0)
  await pe.serve({
    batch: (connection, { id, operator, items }) => {
      for (const item of items) {
        if (operator === 'SpecialMessage') {
          special.submitted++
          composite.specialMessage(asOwn<{ msg: string }>(item).msg)
        } else {
          const { binaryPayload } = asOwn<{ binaryPayload: string }>(item)
          composite.serializedDataSnapshotMessage(new Uint8Array(Buffer.from(binaryPayload, 'base64')))
        }
      }
      connection.send({ type: 'ack', id })
    },
  })
  pe.started()
}

/** Reads the configuration, opens the documented ports and lets the heart beat. */
export async function startComposite(pe: PeRuntime, outputs: CompositeOutputs): Promise<CrossDataCenterFailover> {
  const { parameters, timeScale, crossDc, dataDirectory } = pe.launch
  const configuration = await readConfiguration(parameters['configFileName'] ?? '', { submission: parameters })
  refuseMalformed(pe, configuration)
  const { dataSnapshotStorageDirectory: directory } = configuration
  const composite = new CrossDataCenterFailover(
    configuration,
    {
      scheduler: systemScheduler,
      post: httpPost(crossDc.routes),
      store: fileStore(directory === '' ? '' : resolve(dataDirectory, directory)),
      counters: pe.counters,
      trace: pe.trace,
      truth: (event, fields) => pe.truth.write(event, fields),
      secondMs: timeScale * 1000,
      defects: {
        mute: pe.defect('never-takes-over'),
        takeoverDelayMs: pe.defect('takes-over-late') ? LATE_MS : 0,
        deafAfterDown: pe.defect('never-reconverges'),
        forgetsNames: pe.defect('forgets-snapshot'),
      },
    },
    outputs,
  )
  await openReceivers(pe, configuration, composite)
  composite.start()
  pe.onStop(() => composite.stop())
  return composite
}

async function openReceivers(
  pe: PeRuntime,
  configuration: ToolkitConfiguration,
  composite: CrossDataCenterFailover,
): Promise<void> {
  const base = configuration.crossDCHttpPort
  const open = async (operator: string, port: number, path: string, submit: BlobHandler): Promise<void> => {
    const name = `${COMPOSITE}.${operator}`
    pe.counters.gauge(name, 'serverPort', () => port)
    pe.counters.gauge(name, 'https', () => 0)
    const at = pe.launch.crossDc.listen.find((known) => known.port === port)?.at
    // Nobody has a way to a port that the lab was not told of; the receiver is there all the same.
    if (!at) pe.trace('warn', 'HTTPBLOBInjection', `No link of this lab leads to port ${port} of ${pe.launch.dc}.`)
    await listen(blobReceiver(path, submit), at ?? { host: '127.0.0.1', port: 0 })
  }
  await open('CrossDataCenterReceiverForHB', base, HEARTBEAT_PATH, (body, headers) =>
    composite.heartbeat(body, headers),
  )
  for (let channel = 0; channel < configuration.numberOfHttpSenderReceiverPairs; channel++) {
    await open(`CrossDataCenterReceiver[${channel}]`, base + 1 + channel, dataPath(channel), (body, headers) =>
      composite.data(channel, body, headers),
    )
  }
}

/** A cast that fails ends the real process while its operators start. */
function refuseMalformed(pe: PeRuntime, configuration: ToolkitConfiguration): void {
  const malformed = configuration.notes.filter(({ kind }) => kind === 'value-malformed')
  if (malformed.length === 0) return
  for (const { text } of malformed) pe.trace('error', 'CrossDCFailover', text)
  throw new Error(malformed.map(({ text }) => text).join(' '))
}
