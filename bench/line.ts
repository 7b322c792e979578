/** One figure of a benchmark: a line of JSON on standard output. */
export interface BenchLine {
  readonly name: string
  /** Share of what `against` reached in the same run. */
  readonly ratio?: number
  /** The figure itself, in `unit`. */
  readonly value?: number
  readonly unit?: string
  /** The limit or peer that was measured in the same run. */
  readonly against?: string
  /** What is aimed at, for a reader: `≥ 0.8`. */
  readonly aim?: string
  readonly met: boolean
}
