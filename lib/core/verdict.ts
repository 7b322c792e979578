/** What a check can say. Unknown is `inconclusive`, never `pass`. */
export type Verdict = 'pass' | 'fail' | 'inconclusive'

const RANK: Record<Verdict, number> = { pass: 0, inconclusive: 1, fail: 2 }

/** The verdict of several: a fail outweighs all, then unknown. No verdict at all is unknown. */
export function mergeVerdicts(verdicts: Iterable<Verdict>): Verdict {
  let merged: Verdict | undefined
  for (const verdict of verdicts) {
    if (merged === undefined || RANK[verdict] > RANK[merged]) merged = verdict
  }
  return merged ?? 'inconclusive'
}
