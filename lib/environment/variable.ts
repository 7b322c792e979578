import { z } from 'zod'
import { isDuration, type Duration } from '../core/index.ts'

/** Which settings a variable belongs to. */
export type VariableScope = 'target' | 'lab' | 'site' | 'live' | 'run'

/** One variable of the process environment, or of the file `.env`. */
export interface VariableDescription {
  /** For scope `site` without the data centre: `REST_URL` stands for `FAILOVER_EAST_REST_URL` and `FAILOVER_WEST_REST_URL`. */
  readonly name: string
  readonly scope: VariableScope
  /** The field of the environment that it gives. */
  readonly field: string
  readonly schema: z.ZodType
  readonly secret?: boolean
  /** Needed for `FAILOVER_TARGET=live`. */
  readonly required?: boolean
  /** Name (as here) of another variable that must be given with it, and the other way round. */
  readonly with?: string
  /** Name (as here) of another variable without which it means nothing. */
  readonly needs?: string
  /** A value to show, as it would stand in the file. */
  readonly example: string
  /** One or two sentences for whoever fills it in. */
  readonly description: string
}

/** Any text. */
export const text = z.string().min(1)
/** A URL of a service. */
export const httpsUrl = z.url({ protocol: /^https?$/, error: 'is not a URL that starts with https://' })
/** A command as a JSON array of words. */
export const argv = z
  .string()
  .transform((value, context) => {
    try {
      return JSON.parse(value) as unknown
    } catch {
      context.addIssue({ code: 'custom', message: 'is not a JSON array of words' })
      return z.NEVER
    }
  })
  .pipe(z.array(z.string().min(1), 'is not a JSON array of words').min(1, 'is an empty command'))
/** `true`, `yes`, `1` and their opposites. */
export const yesNo = z.stringbool({ error: 'is neither true nor false' })
/** Real seconds per configured second. */
export const scale = z.coerce
  .number({ error: 'is not a number' })
  .positive('must be more than 0')
  .max(10, 'must be at most 10: it is real seconds per configured second')

/** A length of time with its unit. */
export const duration = z.custom<Duration>(isDuration, {
  error: ({ input }) => `${JSON.stringify(input)} is not a duration: write a number with ms, s, m or h, as in 30s`,
})

/** Words with commas between them. */
export const list = z.string().transform((value) =>
  value
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== ''),
)
