import { messageOf } from '../../../core/index.ts'
import { decodeApplicationState, encodeApplicationState } from '../../../toolkit/application-state.ts'
import { encodeHeartbeatMessage, type HeartbeatMessage } from '../../../toolkit/wire.ts'
import { holdBack } from './ingest.ts'
import { KeyCounts, type InputTuple } from './key-counts.ts'
import { LogicDefects } from './logic-defects.ts'
import { fromJson, type MessageJson } from './messages.ts'
import type { PeRuntime } from './runtime.ts'
import { OWNERSHIP_PORT } from './sink.ts'
import { asOwn } from '../parse.ts'

/** Input ports of `Logic` as `describeOperators` lists them. */
export const LOGIC_PORTS = { tuples: 0, dataSnapshotSignal: 1, remoteDataCenterStatus: 2, processDataFromRemoteDC: 3 }

const SNAPSHOT_ORIGIN = '0'
const ASPECT = 'Application_Logic'
/** The sample application tells of every key, which is too much for large states. */
const TOLD_KEYS = 50

/**
 * Operator `Logic`, the lab's application: counts and sums per key for the homes that its data centre owns. It refuses whole
 * batches with tuples of other homes. It owns its own home (with `owns=all` both), after DOWN both, until its process ends.
 */
export async function runLogic(pe: PeRuntime): Promise<void> {
  const { dc, parameters } = pe.launch
  const sink = pe.downstream('sink')
  const crossDc = pe.downstream('cross-dc')
  const counts = new KeyCounts(dc, parameters['owns'] === 'all' ? ['east', 'west'] : [dc])
  const defects = new LogicDefects(pe)
  const inputs = Object.values(LOGIC_PORTS).map((port) => pe.counters.input('Logic', port))
  const results = pe.counters.output('Logic', 0)
  const snapshots = pe.counters.output('Logic', 1)
  pe.truth.write('owns', { home: [...counts.owned] })

  const takeSnapshot = (signal: HeartbeatMessage): void => {
    const state = defects.snapshot(counts.snapshot())
    const dataSnapshot = encodeApplicationState(state)
    const message = encodeHeartbeatMessage({ ...signal, dataSnapshot, dataSnapshotOrigin: SNAPSHOT_ORIGIN })
    pe.truth.write('snapshot-taken', { cnt: Number(signal.heartbeatCnt), origin: SNAPSHOT_ORIGIN, keys: state.size })
    snapshots.submitted++
    const binaryPayload = Buffer.from(message).toString('base64')
    crossDc?.send('CrossDCFailover', 0, [{ binaryPayload }], () => {})
    pe.trace('info', ASPECT, '-->Submitted a data snapshot to be sent to the remote data center for replication.')
  }

  const status = (active: boolean): void => {
    const what = active ? 'coming up and running normally' : 'going down due to failure or planned maintenance'
    pe.trace('info', ASPECT, `Received a notification about the remote data center ${what}.`)
    if (active || !counts.ownAll()) return
    defects.tookOver()
    pe.truth.write('owns', { home: [...counts.owned] })
    sink?.send('Results', OWNERSHIP_PORT, [], () => {})
  }

  const adopt = (message: HeartbeatMessage): void => {
    try {
      const state = decodeApplicationState(message.dataSnapshot)
      const adopted = counts.adopt(state)
      const origin = message.dataCenterOrigin
      for (const key of [...state.keys()].slice(0, TOLD_KEYS)) {
        pe.trace('info', ASPECT, `-->Taking-over the replicated data: Remote DC=${origin}, Key=${key}`)
      }
      const text = `-->Completed the taking-over of the replicated data from this remote data center after it went down:${origin}. A total of ${adopted.keys} data items were taken over (failed over) for processing here.`
      pe.trace('info', ASPECT, text)
      pe.truth.write('adopted', { keys: adopted.keys, items: adopted.items, type: message.heartbeatMsgType })
    } catch (error) {
      pe.trace('error', ASPECT, messageOf(error))
    }
  }

  await pe.serve({
    batch: (connection, { id, port, items }) => {
      const input = inputs[port]
      if (input) input.processed += items.length
      if (port === LOGIC_PORTS.tuples) {
        // Parsed by the data service against the schema of the endpoint.
        const tuples = asOwn<readonly InputTuple[]>(items)
        const refused = defects.servesAll ? undefined : tuples.find(({ home }) => !counts.owned.has(home))
        if (refused) {
          const message = `${dc} does not own the work of ${refused.home}: nothing of this batch was entered.`
          return connection.send({ type: 'nack', id, reason: 'not-owned', message })
        }
        const outputs = defects.output(defects.input(tuples).map((tuple) => counts.count(tuple, defects.error())))
        if (outputs.length === 0 || !sink) return connection.send({ type: 'ack', id })
        results.submitted += outputs.length
        sink.send('Results', 0, outputs, (outcome) => connection.send({ ...outcome, id }))
        return holdBack(connection, sink)
      }
      for (const item of items) {
        if (port === LOGIC_PORTS.remoteDataCenterStatus)
          status(asOwn<{ activeOrInactive: boolean }>(item).activeOrInactive)
        else if (port === LOGIC_PORTS.dataSnapshotSignal) takeSnapshot(fromJson(asOwn<MessageJson>(item)))
        else if (port === LOGIC_PORTS.processDataFromRemoteDC) adopt(fromJson(asOwn<MessageJson>(item)))
      }
      connection.send({ type: 'ack', id })
    },
  })
  pe.started()
}
