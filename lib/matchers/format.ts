import { redact, type Verdict } from '../core/index.ts'

/** What a matcher has to say, before it is known whether `.not` was asked. */
export interface Assessment {
  /** Name of the matcher and of what it was called on, for the hint line. */
  readonly matcher: string
  readonly subject: 'drill' | 'takeover'
  /** Its argument as the author wrote it, or nothing. */
  readonly argument?: string | undefined
  /** Name of the drill or takeover. */
  readonly name: string
  /** Verdict on `claim`. */
  readonly verdict: Verdict
  /** What the matcher claims, and its contrary, as clauses: `the service was back within 30s`. */
  readonly claim: string
  readonly contrary: string
  /** Lines with a label, e.g. `['Observed', '412–447ms']`; several lines of one label are indented below it. */
  readonly facts: readonly Fact[]
  /** What weakens the verdict: validity gates that are not met. */
  readonly weakenedBy: readonly string[]
  /** The last or first things that it rests on. */
  readonly evidence: readonly string[]
  /** What to do when it cannot be known. */
  readonly remedy?: string | undefined
  /** Where the files lie. */
  readonly directory?: string | undefined
}

/** A label and what is said under it; facts without text are left out. */
export type Fact = readonly [label: string, text: string | readonly string[] | undefined]

const SHOWN_EVIDENCE = 5

/** Verdict on what is asserted: on the claim, or with `.not` on its contrary. Gates that are not met leave no assertion to hold. */
export function assertedVerdict(assessment: Assessment, isNot: boolean): Verdict {
  const { verdict, weakenedBy } = assessment
  const asserted = isNot && verdict !== 'inconclusive' ? (verdict === 'pass' ? 'fail' : 'pass') : verdict
  return asserted === 'pass' && weakenedBy.length > 0 ? 'inconclusive' : asserted
}

/** The one shape of all messages: hint line, sentence, facts, gates, evidence, files. */
export function formatMessage(assessment: Assessment, isNot: boolean): string {
  const { matcher, subject, argument = '', name, claim, contrary, evidence } = assessment
  const asserted = isNot ? contrary : claim
  const opposite = isNot ? claim : contrary
  const verdict = assertedVerdict(assessment, isNot)
  const sentence = {
    pass: `${asserted}.`,
    fail: `expected that ${asserted}, but ${opposite}.`,
    inconclusive: `cannot tell whether ${asserted}; unknown is not a pass.`,
  }[verdict]
  const facts: Fact[] = [
    ...assessment.facts,
    ['Weakened by', assessment.weakenedBy],
    ['Evidence', shownEvidence(evidence)],
    ['Remedy', verdict === 'inconclusive' ? remedyOf(assessment) : undefined],
    ['Files', assessment.directory],
  ]
  const said = facts.flatMap(([label, text]) => {
    const lines = text === undefined ? [] : typeof text === 'string' ? [text] : text
    return lines.length > 0 ? [{ label, lines }] : []
  })
  const width = Math.max(0, ...said.map(({ label }) => label.length)) + 2
  const body = said.flatMap(({ label, lines }) =>
    lines.map((line, index) => `${(index === 0 ? `${label}:` : '').padEnd(width)}${line}`),
  )
  const hint = `expect(${subject})${isNot ? '.not' : ''}.${matcher}(${argument})`
  return redact([hint, '', `${name}: ${sentence}`, '', ...body].join('\n').trimEnd())
}

function remedyOf({ verdict, remedy }: Assessment): string | undefined {
  return verdict === 'inconclusive' ? remedy : 'What was measured is clear; see to what weakens it.'
}

function shownEvidence(evidence: readonly string[]): readonly string[] {
  const more = evidence.length - SHOWN_EVIDENCE
  return more > 0 ? [...evidence.slice(0, SHOWN_EVIDENCE), `… and ${more} more`] : evidence
}
