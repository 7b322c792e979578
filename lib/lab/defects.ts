import { ConfigurationError } from '../core/index.ts'

/** A fault planted into the lab on purpose, to show that a checker catches it. */
export interface Defect {
  readonly name: string
  /** The part of the lab that misbehaves. */
  readonly where: 'ingest' | 'logic' | 'sink' | 'cross-dc' | 'data-service' | 'site'
  /** What it does wrong. */
  readonly what: string
  /** The checker, or validity gate, whose finding must turn red because of it. */
  readonly caughtBy: string
}

/** Every defect that can be planted, with `FAILOVER_LAB_DEFECT=<name>` or several names with commas. */
export const defects: readonly Defect[] = [
  {
    name: 'loses-tail',
    where: 'logic',
    what: 'after a takeover the survivor acknowledges the first tuples of the work it took over, and drops them',
    caughtBy: 'lost',
  },
  { name: 'loses-key', where: 'logic', what: 'acknowledges the tuples of one key and drops them', caughtBy: 'lost' },
  {
    name: 'duplicates-after-takeover',
    where: 'logic',
    what: 'the survivor emits tuples of the work it took over twice',
    caughtBy: 'duplicated',
  },
  { name: 'reorders-key', where: 'logic', what: 'swaps neighbouring tuples of one key', caughtBy: 'order' },
  {
    name: 'corrupts-payload',
    where: 'sink',
    what: 'changes a byte of a payload without its checksum',
    caughtBy: 'integrity',
  },
  {
    name: 'stale-state',
    where: 'logic',
    what: 'answers every snapshot signal with the state of the first one, so that a takeover begins with old state',
    caughtBy: 'stale-state',
  },
  {
    name: 'forgets-snapshot',
    where: 'cross-dc',
    what: 'does not remember the snapshots it stored, so that a takeover hands over nothing',
    caughtBy: 'stale-state',
  },
  {
    name: 'wrong-transformation',
    where: 'logic',
    what: 'adds one too many to the count of a key now and then',
    caughtBy: 'transformation',
  },
  {
    name: 'both-serve-key',
    where: 'logic',
    what: 'works on one key of the other data centre although that one is alive',
    caughtBy: 'split-brain',
  },
  {
    name: 'never-takes-over',
    where: 'cross-dc',
    what: 'never says that the other data centre is down',
    caughtBy: 'takeover',
  },
  {
    name: 'takes-over-late',
    where: 'cross-dc',
    what: 'says that the other data centre is down far later than its configuration promises',
    caughtBy: 'prediction',
  },
  {
    name: 'never-reconverges',
    where: 'cross-dc',
    what: 'stays deaf to a data centre that has come back',
    caughtBy: 'reconvergence',
  },
  {
    name: 'tap-overruns',
    where: 'site',
    what: 'launches the sink with a buffer of one tuple and acknowledges before a reader has them, so that readers miss tuples',
    caughtBy: 'lost',
  },
  {
    name: 'acks-and-drops',
    where: 'ingest',
    what: 'acknowledges tuples before they are processed, and drops some',
    caughtBy: 'lost',
  },
  {
    name: 'slow-return',
    where: 'site',
    what: 'starts the processing elements long after the data centre has its power back',
    caughtBy: 'reconvergence',
  },
]

/**
 * The defects of a list of names, as in `FAILOVER_LAB_DEFECT`.
 * @throws ConfigurationError for a name that is not in the registry
 */
export function parseDefects(names: string | readonly string[] | undefined): Defect[] {
  const wanted = typeof names === 'string' ? names.split(',') : (names ?? [])
  return wanted
    .map((name) => name.trim())
    .filter((name) => name !== '')
    .map((name) => {
      const defect = defects.find((known) => known.name === name)
      if (defect) return defect
      throw new ConfigurationError(`There is no planted defect called ${JSON.stringify(name)} (FAILOVER_LAB_DEFECT).`, {
        remedy: `Use one or more of: ${defects.map((known) => known.name).join(', ')}.`,
      })
    })
}
