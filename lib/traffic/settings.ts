import { ConfigurationError, toMs, type Duration } from '../core/index.ts'
import { checkedProfile, constant } from './profile.ts'
import type { InjectorSetup } from './messages.ts'
import type { DcName, Routing, TrafficOptions, TrafficStart } from './types.ts'

/** A start's options with every default filled in, in milliseconds. */
export interface RunSettings extends Pick<
  InjectorSetup,
  | 'rate'
  | 'profile'
  | 'batchEveryMs'
  | 'payloadBytes'
  | 'resend'
  | 'requestTimeoutMs'
  | 'lanes'
  | 'pipelining'
  | 'maxInFlight'
  | 'maxLatenessMs'
  | 'maxBatch'
  | 'homes'
> {
  readonly keys: number
  readonly routing: Routing
  readonly witness: boolean
  readonly tapEveryMs: number
  readonly settleMs: number
  readonly patience: Duration
}

/**
 * Checks and completes the options of a start.
 * @throws ConfigurationError
 */
export function runSettings(options: TrafficOptions, start: TrafficStart): RunSettings {
  const routing = start.routing ?? options.routing ?? 'home'
  const maxInFlight = whole('maxInFlight', start.maxInFlight ?? 1024)
  const homes: readonly DcName[] = start.homes ?? options.homes ?? ['east', 'west']
  if (homes.length === 0) {
    throw new ConfigurationError('Traffic needs a home.', {
      remedy: "Give `homes: ['east']`, or leave it out for both.",
    })
  }
  return {
    rate: positive('rate', start.rate),
    keys: whole('keys', start.keys ?? 8),
    profile: checkedProfile(start.profile ?? constant),
    batchEveryMs: positive('batchEvery', toMs(start.batchEvery ?? '20ms')),
    payloadBytes: whole('payloadBytes', start.payloadBytes ?? 0, 0),
    routing,
    homes: [...new Set(homes)],
    witness: routing === 'home' && (start.witness ?? false),
    resend: start.resend ?? false,
    requestTimeoutMs: positive('requestTimeout', toMs(start.requestTimeout ?? '1s')),
    lanes: whole('lanes', start.lanes ?? 4),
    pipelining: whole('pipelining', start.pipelining ?? maxInFlight),
    maxInFlight,
    maxLatenessMs: positive('maxLateness', toMs(start.maxLateness ?? '1s')),
    maxBatch: whole('maxBatch', start.maxBatch ?? 500),
    tapEveryMs: positive('tapEvery', toMs(start.tapEvery ?? '20ms')),
    settleMs: toMs(options.contract?.settle ?? '1s'),
    patience: options.patience ?? '60s',
  }
}

function positive(name: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value
  throw new ConfigurationError(`Traffic cannot start with ${name} ${value}.`, { remedy: 'It must be greater than 0.' })
}

function whole(name: string, value: number, least = 1): number {
  if (Number.isSafeInteger(value) && value >= least) return value
  throw new ConfigurationError(`Traffic cannot start with ${name} ${value}.`, {
    remedy: `It must be a whole number, ${least} or more.`,
  })
}
