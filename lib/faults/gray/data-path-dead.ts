import { z } from 'zod'
import { eventually } from '../../core/index.ts'
import type { DcName } from '../../history/index.ts'
import { dcParam, nameOf, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault, FaultContext } from '../definition.ts'
import { portBlockKind } from '../network/port-block.ts'
import { dataClient, dataServiceAnswers } from './data-service.ts'
import { heartbeatMs, toolkitCounters } from './toolkit-counters.ts'

/** Heartbeats that must arrive while the data path is dead. */
const HEARTBEATS = 2

const port = 'data'
const mode = 'blackhole'

/** The data path of a data centre is dead while its heart beats. */
export const dataPathDeadKind = defineFault({
  kind: 'data-path-dead',
  summary: 'The data service of a data centre falls silent, while its heartbeats and snapshots go on.',
  params: z.strictObject({ dc: dcParam }),
  capabilities: [...portBlockKind.capabilities, 'data', 'management'],
  blastRadius: portBlockKind.blastRadius,
  target: ({ dc }) => dc,
  affects: ({ dc }) => dc,
  deadlines: (environment, { dc }) => ({
    confirm: `${30_000 + 2 * HEARTBEATS * heartbeatMs(environment, dc)}ms`,
  }),

  async survey(context, { dc }) {
    await dataServiceAnswers(context, dc)
    return portBlockKind.survey(context, { dc, port, mode })
  },

  plan: (context, { dc }, facts) => ({
    ...portBlockKind.plan(context, { dc, port, mode }, facts),
    effect: `The data service of ${dc} answers nothing, on connections old and new; its peer goes on receiving its heartbeats.`,
    outage: [dc],
  }),

  async confirm(context, { dc }, facts, injected) {
    const blocked = await portBlockKind.confirm(context, { dc, port, mode }, facts, injected)
    const [client, heartbeats] = await Promise.all([dataClient(context, dc), heartbeatsArrive(context, dc)])
    const at = blocked.injected ?? injected.at
    return { injected: at, outage: at, evidence: { ...blocked.evidence, client, heartbeats } }
  },

  stillOn: async (context, { dc }) => void (await dataClient(context, dc)),

  async confirmHealed(context, { dc }, facts) {
    await portBlockKind.confirmHealed(context, { dc, port, mode }, facts)
    return dataServiceAnswers(context, dc)
  },

  dispose: (facts) => portBlockKind.dispose?.(facts),
})

/**
 * Makes the data service of a data centre fall silent, for new connections and for open ones, while everything between the data
 * centres goes on: it does no work for anybody, and looks well to its peer.
 *
 * By the toolkit's rules: the heartbeat is all that counts, so there is no DOWN, no takeover, and no failover by itself however
 * long it lasts. Only clients can notice, and only they can go elsewhere.
 */
export function dataPathDead(dc: DcRef): Fault {
  return dataPathDeadKind.with({ dc: nameOf(dc) })
}

/** Waits until the peer has counted some more heartbeats, and holds the data centre for up. */
async function heartbeatsArrive(context: FaultContext, dc: DcName): Promise<number> {
  const peer = dc === 'east' ? 'west' : 'east'
  const before = await toolkitCounters(context, peer)
  const seen = await eventually(
    async () => {
      const current = await toolkitCounters(context, peer)
      const grown = current.received - before.received
      return grown >= HEARTBEATS && current.peer === 'up'
        ? { done: true, value: grown }
        : { done: false, seen: `${grown} received, and ${peer} holds ${dc} for ${current.peer}` }
    },
    {
      within: `${15_000 + 2 * HEARTBEATS * heartbeatMs(context.environment, dc)}ms`,
      every: '20ms',
      signal: context.signal,
      describe: `${peer} to receive heartbeats of ${dc}`,
    },
  )
  return seen.value
}
