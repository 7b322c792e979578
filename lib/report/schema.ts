import { z } from 'zod'

/** Version of `report.json`; it grows when a field changes its meaning or goes away, not when one is added. */
export const REPORT_SCHEMA_VERSION = 1

const verdictSchema = z.enum(['pass', 'fail', 'inconclusive']).describe('Unknown is inconclusive, never pass.')

const spanSchema = z
  .strictObject({ lowerMs: z.number(), upperMs: z.number() })
  .describe('Bounds of a length of time, or of an instant on the clock of the drill, in milliseconds.')

/** What went wrong, and whose it is: `none` for a drill that passed. */
export const classificationSchema = z
  .enum(['none', 'product', 'inconclusive', 'environment', 'tool'])
  .describe(
    'none: passed. product: what is tested missed its objective. inconclusive: cannot be known. environment: the sites or the machine were not fit for the drill. tool: the specs or this library failed.',
  )

/** One row of the checks of a drill. `detail` is plain JSON whose shape belongs to the check. */
export const checkSchema = z.strictObject({
  name: z.string(),
  verdict: verdictSchema,
  summary: z.string().optional().describe('One sentence for people.'),
  detail: z.unknown().optional(),
  applies: z.boolean().optional().describe('false: the drill gave this check nothing to judge.'),
  expectation: z
    .strictObject({ verdict: verdictSchema, because: z.string(), met: z.boolean().nullable() })
    .optional()
    .describe('What the spec said this check would say.'),
})

const stagesSchema = z
  .strictObject({
    detection: spanSchema.nullable(),
    takeover: spanSchema.nullable(),
    firstOutput: spanSchema.nullable(),
    steady: spanSchema.nullable(),
  })
  .describe('Each since the outage; null where it was not seen.')

const faultSchema = z.strictObject({
  id: z.string().optional(),
  kind: z.string(),
  target: z.string(),
  injected: spanSchema.nullable(),
  confirmed: spanSchema.nullable().describe('null: its effect was never measured, which makes the drill inconclusive.'),
  healed: spanSchema.nullable(),
})

const groundTruthSchema = z
  .strictObject({
    outageMs: z.number().nullable(),
    detectionMs: z.number().nullable(),
    takeoverMs: z.number().nullable(),
    firstOutputMs: z.number().nullable(),
    rtoMs: z.number().nullable(),
  })
  .describe('Labs only: what really happened, instants on the clock of the drill; rtoMs is the true RTO.')

/** One drill of `report.json`. */
export const drillReportSchema = z.strictObject({
  name: z.string(),
  file: z.string(),
  environment: z.string(),
  target: z.string(),
  verdict: verdictSchema,
  classification: classificationSchema,
  rto: z
    .strictObject({ lowerMs: z.number().nullable(), upperMs: z.number().nullable(), stages: stagesSchema })
    .nullable()
    .describe('null where the drill has no outage; bounds are null where there is no such bound.'),
  rpo: z
    .strictObject({
      lostTuples: z.number().nullable(),
      unknownTuples: z.number().nullable().optional().describe('Acknowledged tuples whose fate the taps cannot tell.'),
      indeterminateTuples: z.number().nullable(),
      lostSeconds: z.number().nullable(),
      stateAgeSeconds: z.number().nullable(),
    })
    .nullable()
    .describe('null values are unknown.'),
  checks: z.array(checkSchema),
  faults: z.array(faultSchema),
  gates: z.array(checkSchema),
  prediction: z.unknown().nullable().describe('What the configuration of the toolkit lets one expect.'),
  seed: z.number().nullable(),
  groundTruth: groundTruthSchema.optional(),
  defects: z.array(z.string()).optional().describe('Labs only: defects that were planted into it.'),
  directory: z.string().optional().describe('Where the history lies, relative to the report.'),
  problems: z.array(z.string()).optional().describe('Why the drill is not a pass, in words.'),
})

const skippedSchema = z.strictObject({
  name: z.string(),
  file: z.string(),
  environment: z.string(),
  reason: z.string(),
})

/** `report.json` of one run. */
export const reportSchema = z
  .strictObject({
    schemaVersion: z.literal(REPORT_SCHEMA_VERSION),
    run: z.string().describe('Name of the run and of its directory.'),
    target: z.string().describe('embedded, containers or live; several are joined by a comma.'),
    environment: z.string().describe('Name of the environment; several are joined by a comma.'),
    verdict: verdictSchema,
    startedAt: z.string().meta({ format: 'date-time' }).describe('Wall clock: a label, never a measurement.'),
    finishedAt: z.string().meta({ format: 'date-time' }),
    drills: z.array(drillReportSchema),
    skipped: z.array(skippedSchema),
    problems: z
      .array(z.string())
      .describe('What weakens the run as a whole: dead workers, unhandled errors, interruption.'),
  })
  .describe('Report of one run of failover drills.')

/** A drill as `report.json` carries it. */
export type DrillReport = z.infer<typeof drillReportSchema>
/** `report.json`. */
export type Report = z.infer<typeof reportSchema>
/** A row of `checks` or `gates`. */
export type CheckReport = z.infer<typeof checkSchema>
/** Whose failure it is. */
export type Classification = z.infer<typeof classificationSchema>
/** A spec that did not run, and why. */
export type SkippedReport = z.infer<typeof skippedSchema>
