import { z } from 'zod'

// Objects keep what they do not know. Whatever a server may leave out (by permission, `fields`, version) is optional.

/** Ids are texts, also where a server writes numbers. */
export const id = z.union([z.string(), z.number(), z.bigint()]).transform(String)
/** A URI to follow. */
export const link = z.string().nullish()
/** A text that may be missing. */
export const text = z.string().nullish()
/** A whole number; a bigint where it is beyond 2^53. */
export const integer = z.union([z.number(), z.bigint()])
/** Epoch milliseconds of the server's clock: a label, never used for measuring. */
export const time = z.number().nullish()
/** What makes an element findable. */
export const identified = { id, restid: id.optional(), self: z.string(), resourceType: z.string().optional() }
/** Values of a job's, PE's or instance's health. */
export const HEALTH = ['healthy', 'partiallyHealthy', 'partiallyUnhealthy', 'unhealthy', 'unknown'] as const
