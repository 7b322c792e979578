import type { DcState, Evidence } from './view.ts'

/** What the conclusions about a data centre rest on, the strongest that there is. */
export interface EvidenceInput {
  readonly view: { readonly hidden: boolean; readonly evidence: Evidence }
  /** How long nothing was collected, if that is too long. */
  readonly staleMs: number | undefined
  readonly management: DcState['management']
  readonly toolkit: DcState['toolkit']
  readonly dataPlane: DcState['dataPlane']
  /** Why the management service tells nothing. */
  readonly reason: string
}

/** The evidence in the order of the toolkit reference §13: toolkit metrics, trace, job health, data plane. */
export function siteEvidence({ view, staleMs, management, toolkit, dataPlane, reason }: EvidenceInput): Evidence {
  if (!view.hidden) {
    if (view.evidence.kind !== 'toolkit-metrics' || staleMs === undefined) return view.evidence
    const degraded = `the metrics are stale: nothing was collected for ${Math.round(staleMs)}ms`
    return { ...view.evidence, degraded }
  }
  if (management === 'up' && toolkit !== 'unknown') {
    return { kind: 'job-health', detail: `the toolkit's PEs are ${toolkit}`, degraded: 'no toolkit metrics' }
  }
  if (dataPlane !== 'unknown') return { kind: 'data-plane', detail: `traffic is ${dataPlane}`, degraded: reason }
  return { kind: 'none', detail: reason }
}
