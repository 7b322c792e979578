import { z } from 'zod'
import { dcParam, nameOf, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { portBlockKind } from '../network/port-block.ts'
import { dataClient, dataServiceAnswers } from './data-service.ts'

const port = 'data'
const mode = 'reset'

/** The data service of a data centre refuses everyone. */
export const dataServiceDownKind = defineFault({
  kind: 'data-service-down',
  summary:
    'The data service of a data centre refuses new connections and has broken the old ones, as if its process were gone.',
  params: z.strictObject({ dc: dcParam }),
  capabilities: [...portBlockKind.capabilities, 'data'],
  blastRadius: portBlockKind.blastRadius,
  target: ({ dc }) => dc,
  affects: ({ dc }) => dc,

  async survey(context, { dc }) {
    await dataServiceAnswers(context, dc)
    return portBlockKind.survey(context, { dc, port, mode })
  },

  plan: (context, { dc }, facts) => ({
    ...portBlockKind.plan(context, { dc, port, mode }, facts),
    effect: `The data service of ${dc} refuses connections, and has reset those that were open.`,
    outage: [dc],
  }),

  async confirm(context, { dc }, facts, injected) {
    const blocked = await portBlockKind.confirm(context, { dc, port, mode }, facts, injected)
    const client = await dataClient(context, dc)
    if (!client.startsWith('unreachable')) {
      throw new FaultTargetError(`The data service of ${dc} should refuse its client at once: it had ${client}.`)
    }
    const at = blocked.injected ?? injected.at
    return { injected: at, outage: at, evidence: { ...blocked.evidence, client } }
  },

  stillOn: async (context, { dc }) => void (await dataClient(context, dc)),

  async confirmHealed(context, { dc }, facts) {
    await portBlockKind.confirmHealed(context, { dc, port, mode }, facts)
    return dataServiceAnswers(context, dc)
  },

  dispose: (facts) => portBlockKind.dispose?.(facts),
})

/**
 * Takes the data service of a data centre away: connections are refused at once, those that were open are reset. Its instance,
 * its jobs and their PEs run on.
 *
 * By the toolkit's rules: nothing happens, for the toolkit neither knows nor needs the data service. Clients notice at once, and
 * only they can go elsewhere.
 */
export function dataServiceDown(dc: DcRef): Fault {
  return dataServiceDownKind.with({ dc: nameOf(dc) })
}
