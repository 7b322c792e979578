import { z } from 'zod'

/** Milliseconds on the machine's monotonic clock. */
export const instant = z.number()

/** A length of time in milliseconds, never negative. */
export const duration = z.number().nonnegative()

/** When something happened: not before `earliest`, not after `latest`. */
export const interval = z
  .object({ earliest: instant, latest: instant })
  .refine((value) => value.latest >= value.earliest, 'an interval cannot end before it begins')

/** A length of time with its bounds, in milliseconds. */
export const span = z.object({ lowerMs: z.number(), upperMs: z.number() })
