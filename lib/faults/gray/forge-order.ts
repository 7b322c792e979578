import { z } from 'zod'

/** What the forger is told. No secret: heartbeats have none. */
export const forgeOrder = z.object({
  /** Where the heartbeats go. */
  host: z.string(),
  port: z.int(),
  everyMs: z.number().positive(),
  /** How long an answer may take. */
  withinMs: z.number().positive(),
  /** Of the first heartbeat, in decimal digits. */
  count: z.string().regex(/^\d+$/),
  /** False: every heartbeat is the same, bit for bit. */
  counts: z.boolean(),
  /** Whose heartbeats they say that they are. */
  origin: z.string(),
})

/** See {@link forgeOrder}. */
export type ForgeOrder = z.infer<typeof forgeOrder>

/** What the forger tells: heartbeats that it sent, and those that were taken. */
export const forgeTold = z.object({ sent: z.number(), accepted: z.number() })
