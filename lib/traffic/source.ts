import type { Random } from '../core/index.ts'

/** What a source gives for one tuple: its value, its padding, and further members. The marks are added by the generator. */
export interface SourceRow {
  readonly value?: number
  readonly payload?: string
  readonly members?: Readonly<Record<string, unknown>>
}

/** Where rows come from: read on the main thread, ahead of time. A source that ends makes the run end its sending. */
export interface TupleSource {
  readonly name: string
  rows(random: Random): AsyncIterable<SourceRow> | Iterable<SourceRow>
}

/** Rows from a function: called with the number of the row, from 0, and a random source from the drill's seed. */
export function fromFunction(name: string, row: (index: number, random: Random) => SourceRow): TupleSource {
  return {
    name,
    *rows(random) {
      for (let index = 0; ; index++) yield row(index, random)
    },
  }
}
