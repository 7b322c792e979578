import type { PeRuntime } from './runtime.ts'
import type { TupleConnection } from './tuple-server.ts'

const DROP_EVERY = 50

/**
 * Operator `Ingest`, an EndpointSource: passes each injected batch on. With `acknowledge=received` the answer goes out at once,
 * otherwise when the answer from further down is there.
 */
export async function runIngest(pe: PeRuntime): Promise<void> {
  const acknowledgeAtOnce = pe.launch.parameters['acknowledge'] === 'received'
  const drops = pe.defect('acks-and-drops')
  const output = pe.counters.output('Ingest', 0)
  const logic = pe.downstream('logic')
  let batches = 0

  await pe.serve({
    batch: (connection, { id, items }) => {
      batches++
      if (drops && batches % DROP_EVERY === 0) return connection.send({ type: 'ack', id })
      if (!logic) return connection.send({ type: 'ack', id })
      output.submitted += items.length
      logic.send('Logic', 0, items, (outcome) => {
        if (!acknowledgeAtOnce) connection.send({ ...outcome, id })
      })
      if (acknowledgeAtOnce) connection.send({ type: 'ack', id })
      holdBack(connection, logic)
    },
  })
  pe.started()
}

/** Stops reading from an upstream connection until there is room downstream. */
export function holdBack(
  connection: TupleConnection,
  downstream: { readonly full: boolean; whenRoom(resume: () => void): void },
): void {
  if (!downstream.full) return
  connection.pause()
  downstream.whenRoom(() => connection.resume())
}
