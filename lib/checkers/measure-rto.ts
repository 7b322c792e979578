import { elapsed, latestOf, type Interval, type Span } from '../core/index.ts'
import { DCS, type DrillStarted } from '../history/index.ts'
import type { RtoMeasurement, Stages } from './finding.ts'
import type { Ledger } from './ledger/ledger.ts'
import { micro } from './text.ts'
import type { Recovery } from './ledger/recoveries.ts'
import { steadySince } from './steady.ts'
import type { Timeline } from './timeline.ts'

/**
 * Time without service per outage, by the definition of DESIGN §5: from the outage to the processing of the first tuple that was
 * sent after it, of the work that was the data centre's own; `[recovery.earliest − outage.latest, recovery.latest −
 * outage.earliest]`. The recovery lies after the send of that tuple and after the previous poll of the tap that showed it was
 * asked, and before the poll that showed it was answered.
 */
export function measureRto(start: DrillStarted, timeline: Timeline, ledger: Ledger): readonly RtoMeasurement[] {
  const relative = (value: Interval): Interval => ({
    earliest: micro(value.earliest - start.origin),
    latest: micro(value.latest - start.origin),
  })
  return ledger.recoveries.map((recovery) => {
    const { outage } = recovery
    const recovered = Number.isFinite(recovery.latest)
      ? { earliest: recovery.earliest, latest: recovery.latest }
      : undefined
    return {
      dc: outage.name,
      reason: outage.reason,
      outage: relative(outage.at),
      recovery: recovered ? relative(recovered) : null,
      recoveredAt: recovered ? DCS[recovery.dc] : null,
      span: recovered ? between(outage.at, recovered) : null,
      notBeforeMs: recovered ? null : notBefore(recovery, ledger),
      stages: stagesOf(recovery, recovered, timeline, ledger),
    }
  })
}

/** While tuples were being sent and taps were being read, and nothing came out, the service was not back. */
function notBefore({ outage, offered, lastOffer }: Recovery, { taps }: Ledger): number | null {
  const looked = Math.max(taps[0].lastAsked, taps[1].lastAsked)
  if (offered === 0 || !Number.isFinite(looked)) return null
  return micro(Math.max(0, Math.min(looked, lastOffer) - outage.at.latest))
}

function stagesOf(recovery: Recovery, recovered: Interval | undefined, timeline: Timeline, ledger: Ledger): Stages {
  const { outage } = recovery
  const next =
    timeline.outages.find(({ at }) => at.earliest > outage.at.latest)?.at.earliest ?? Number.POSITIVE_INFINITY
  const during = ({ at }: { readonly at: Interval }): boolean => at.latest >= outage.at.earliest && at.earliest < next
  const stage = (name: string): Interval | undefined =>
    timeline.of('stage').find((event) => event.stage === name && during(event))?.at
  const seen = timeline.of('observation').filter((event) => event.dc !== outage.name && during(event))
  const taken = timeline.of('takeover').find((event) => event.survivor !== outage.name && during(event))
  const noticed =
    stage('detection') ??
    taken?.detection ??
    seen.find(({ subject, value }) => subject === 'peer-view' && value === 'down')?.at
  const elsewhere = recovered && recovery.dc !== outage.dc ? recovered : undefined
  const detection = noticed && elsewhere ? notAfter(noticed, elsewhere.latest) : noticed
  const takeover =
    stage('takeover') ??
    taken?.at ??
    seen.find(({ subject, value }) => subject === 'takeover' && value !== 0 && value !== false)?.at
  const steady = recovered ? steadySince(recovery, recovered, ledger) : undefined
  const told = stage('steady')
  return {
    detection: detection ? between(outage.at, detection) : null,
    takeover: takeover ? between(outage.at, takeover) : null,
    firstOutput: recovered ? between(outage.at, recovered) : null,
    steady: steady
      ? between(outage.at, steady)
      : recovered && told
        ? between(outage.at, latestOf(recovered, told))
        : null,
  }
}

/** Whoever does another's work has noticed that it is gone: what happened before an instant cannot have ended after it. */
function notAfter(event: Interval, instant: number): Interval {
  return instant >= event.earliest && instant < event.latest ? { earliest: event.earliest, latest: instant } : event
}

function between(outage: Interval, event: Interval): Span {
  const { lowerMs, upperMs } = elapsed(outage, event)
  return { lowerMs: micro(Math.max(0, lowerMs)), upperMs: micro(Math.max(0, upperMs)) }
}
