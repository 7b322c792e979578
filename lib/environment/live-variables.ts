import { z } from 'zod'
import { duration, list, text, yesNo, type VariableDescription } from './variable.ts'

/** What may be broken, from one process to everything. */
export const BLAST_RADII = ['process', 'link', 'job', 'host', 'instance', 'data-center'] as const

const count = z.coerce
  .number({ error: 'is not a number' })
  .int('is not a whole number')
  .nonnegative('must not be negative')

/** What holds for live sites as a pair, and differs from what the environment declares. */
export const LIVE_VARIABLES: readonly VariableDescription[] = [
  {
    name: 'FAILOVER_RTO',
    scope: 'live',
    field: 'objectives.rto',
    schema: duration,
    example: '3m',
    description: 'Recovery time objective that these sites are held to. Default: the environment’s.',
  },
  {
    name: 'FAILOVER_RPO_TUPLES',
    scope: 'live',
    field: 'objectives.rpo.tuples',
    schema: count,
    example: '0',
    description: 'Acknowledged tuples that may be lost. Default: the environment’s.',
  },
  {
    name: 'FAILOVER_RPO_STATE_AGE',
    scope: 'live',
    field: 'objectives.rpo.stateAge',
    schema: duration,
    example: '4m',
    description: 'How old the state taken over may be. Default: the environment’s.',
  },
  {
    name: 'FAILOVER_REJOIN',
    scope: 'live',
    field: 'objectives.rejoin',
    schema: duration,
    example: '10m',
    description:
      'From the beginning of a heal until both sites see each other up again, at the most. Default: the environment’s.',
  },
  {
    name: 'FAILOVER_ALLOW',
    scope: 'live',
    field: 'safety.allow',
    schema: list.pipe(z.array(z.enum(BLAST_RADII, { error: `is not made of ${BLAST_RADII.join(', ')}` }))),
    example: 'process,link,job',
    description:
      'What may be broken, comma-separated: process, link, job, host, instance, data-center. Default: what the environment allows.',
  },
  {
    name: 'FAILOVER_MAX_FAULTS',
    scope: 'live',
    field: 'safety.maxFaults',
    schema: count.positive('must be more than 0'),
    example: '1',
    description: 'Faults that may be on at the same time. Default: the environment’s.',
  },
  {
    name: 'FAILOVER_LEASE_TTL',
    scope: 'live',
    field: 'safety.leaseTtl',
    schema: duration,
    example: '15s',
    description: 'How long a fault outlives a runner that died. Default: the environment’s.',
  },
  {
    name: 'FAILOVER_PRODUCTION',
    scope: 'live',
    field: 'safety.production',
    schema: yesNo,
    example: 'false',
    description:
      'These sites serve real work: nothing of them is broken unless FAILOVER_ALLOW_PRODUCTION names the environment. Default: the environment’s, which is false.',
  },
  {
    name: 'FAILOVER_RESTORE',
    scope: 'live',
    field: 'restore',
    schema: z.enum(['none', 'restart'], { error: "must be 'none' or 'restart'" }),
    example: 'restart',
    description:
      'What is done after each drill, so that the next one begins with a pair in which each site does its own work: none (default; somebody sees to it), or restart (all processing elements of the application at both sites; what they hold in memory is gone).',
  },
  {
    name: 'FAILOVER_LOCK_WAIT',
    scope: 'run',
    field: 'lockWait',
    schema: duration,
    example: '30m',
    description:
      'How long to wait where another run holds the lock of live sites. Default: not at all; the run is refused, by the name of the holder.',
  },
  {
    name: 'FAILOVER_ALLOW_PRODUCTION',
    scope: 'run',
    field: 'allowProduction',
    schema: text,
    example: 'dc-east-west',
    description: 'Name of the production environment that this command may break.',
  },
]
