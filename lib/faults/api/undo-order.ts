import { z } from 'zod'

/** What the undo program is to bring about. It does only what is still missing, so it may run at any time and again. */
export const undoOrder = z.object({
  dc: z.string(),
  url: z.string(),
  username: z.string(),
  password: z.string(),
  tls: z.object({
    ca: z.string().exactOptional(),
    rejectUnauthorized: z.boolean().exactOptional(),
    cert: z.string().exactOptional(),
    key: z.string().exactOptional(),
    servername: z.string().exactOptional(),
  }),
  instance: z.string(),
  /** The job that must be healthy in the end; PEs of it that are stopped are started. */
  job: z.object({
    name: z.string(),
    bundle: z.string(),
    parameters: z.record(z.string(), z.string()),
  }),
  /** Start the instance if it does not run. */
  startInstance: z.boolean(),
  /** Submit the job if it is not there. */
  submit: z.boolean(),
  /** Restart the PE of the failover toolkit if it was told to shut down. */
  restartQuiesced: z.object({ operator: z.string(), port: z.number() }).exactOptional(),
  /** Ids of hosts that are let back in if they are quiesced. */
  resumeHosts: z.array(z.string()).exactOptional(),
  withinMs: z.number(),
})

/** See {@link undoOrder}. Holds a password in the clear: written to a lease (mode 0600), never printed. */
export type UndoOrder = z.infer<typeof undoOrder>
