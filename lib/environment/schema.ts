import { z } from 'zod'
import { isDuration, type Duration } from '../core/index.ts'
import { configurationKeys } from '../toolkit/index.ts'

const duration = z.custom<Duration>(isDuration, {
  error: ({ input }) =>
    typeof input === 'number'
      ? `${input} has no unit: write '${input}ms' or '${input}s'`
      : `${JSON.stringify(input) ?? 'nothing'} is not a duration: write a number with ms, s, m or h, as in '30s'`,
})

const objectives = z.strictObject({
  /** Recovery time objective: the most that service may be gone. */
  rto: duration,
  /** Recovery point objective: acknowledged tuples that may be lost, and how old the state taken over may be. */
  rpo: z.strictObject({ tuples: z.int().nonnegative(), stateAge: duration.exactOptional() }),
  /** From the beginning of a heal until both data centres see each other up again. */
  rejoin: duration.exactOptional(),
})

const contract = z.strictObject({
  delivery: z.enum(['at-most-once', 'at-least-once', 'exactly-once']),
  /** Tuples of one key come out in the order in which they were sent. */
  ordered: z.boolean(),
  /** Time within which an acknowledged tuple is visible at a tap. */
  settle: duration,
  /** Tuples whose fate may stay unknown before a verdict is inconclusive. */
  maxUnknown: z.int().nonnegative(),
})

const application = z.strictObject({
  /** Name of the job at both data centres. */
  job: z.string().min(1),
  /** Path of the bundle, from the working directory, with which a job that a fault cancelled is submitted again. */
  bundle: z.string().min(1),
  /** Submission parameters, beside those that a data centre adds (`configFileName`). */
  parameters: z.record(z.string(), z.string()),
  operators: z.strictObject({
    /** EndpointSource that takes the numbered tuples. */
    ingest: z.string().min(1),
    /** EndpointSink that shows what was processed. */
    results: z.string().min(1),
    /** EndpointSource that takes the toolkit's special messages. */
    special: z.string().min(1),
  }),
})

/** Keys of the toolkit's configuration file, as text. */
export const toolkitFile = z.partialRecord(z.enum(configurationKeys), z.string())

const safety = z.strictObject({
  /** Faults that may be on at the same time. */
  maxFaults: z.int().positive(),
  /** What may be broken. */
  allow: z.array(z.enum(['process', 'link', 'job', 'host', 'instance', 'data-center'])).readonly(),
  /** How long a fault outlives a runner that died. */
  leaseTtl: duration,
  /** Its data centres serve real users: nothing is broken unless FAILOVER_ALLOW_PRODUCTION names the environment. */
  production: z.boolean().exactOptional(),
  /** When a drill is stopped because it hits more than it is aimed at: a data centre that should stand is away for so long. */
  stop: z
    .strictObject({
      /** Its management API does not answer. */
      unreachableFor: duration.exactOptional(),
      /** Its job is missing or unhealthy. */
      unhealthyFor: duration.exactOptional(),
      every: duration.exactOptional(),
    })
    .exactOptional(),
})

const tolerance = z.strictObject({
  transfer: duration.exactOptional(),
  scheduling: duration.exactOptional(),
  driftPerTick: duration.exactOptional(),
  takeover: duration.exactOptional(),
  firstOutput: duration.exactOptional(),
  launch: duration.exactOptional(),
})

/** What may differ between targets: a lab runs on shortened seconds, a site on real ones. */
const varying = {
  mode: z.enum(['active-active', 'active-passive']),
  objectives,
  contract,
  application,
  /** Name under which the application invokes the failover composite. */
  operatorPrefix: z.string().min(1),
  /** Values of the toolkit's configuration; for a site, what its files hold. */
  toolkit: z.strictObject({ both: toolkitFile, east: toolkitFile, west: toolkitFile }),
  safety,
  /** What a real system adds to the toolkit's own formulas, in real time. */
  tolerance,
}

/** Parts of a declaration that are laid over it for one target. */
export const overlay = z.strictObject({
  mode: varying.mode.exactOptional(),
  objectives: objectives.partial().exactOptional(),
  contract: contract.partial().exactOptional(),
  application: application
    .extend({ operators: application.shape.operators.partial().exactOptional() })
    .partial()
    .exactOptional(),
  operatorPrefix: varying.operatorPrefix.exactOptional(),
  toolkit: varying.toolkit.partial().exactOptional(),
  safety: safety.partial().exactOptional(),
  tolerance: tolerance.exactOptional(),
})

/** The whole declaration of an environment. */
export const declaration = z.strictObject({
  /** Name of the environment, and of its Vitest project. */
  name: z
    .string()
    .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'is made of lower-case words joined by hyphens, as in dc-east-west'),
  description: z.string().min(1),
  ...varying,
  /** Laid over all that when the target is the embedded lab, the container lab, or live sites. */
  on: z.strictObject({
    embedded: overlay.exactOptional(),
    containers: overlay.exactOptional(),
    live: overlay.exactOptional(),
  }),
})

/** The declaration of an environment, complete. */
export type EnvironmentDeclaration = DeepReadonly<z.output<typeof declaration>>

/** See {@link overlay}. */
export type EnvironmentOverlay = DeepReadonly<z.output<typeof overlay>>

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T
