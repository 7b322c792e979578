import { z } from 'zod'
import { isDuration, toMs, type Duration } from '../../../core/index.ts'
import { isRate, type Rate } from './rate.ts'

/** A length of time as a parameter. */
export const durationParam = z.custom<Duration>(isDuration, "is a length of time with its unit, as in '100ms'")

/** A length of time above 0 as a parameter. */
export const lastingParam = durationParam.refine((value) => toMs(value) > 0, 'is more than 0')

/** A share of packets in percent, above 0. */
export const percentParam = z.number().gt(0).max(100)

/** How alike successive random values are, in percent. */
export const correlationParam = z.number().min(0).max(100)

/** A rate as a parameter. */
export const rateParam = z.custom<Rate>(
  (value) => isRate(value) && Number.parseFloat(value) > 0,
  "is a rate above 0 with its unit, as in '1mbit'",
)
