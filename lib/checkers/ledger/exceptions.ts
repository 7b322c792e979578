/** Things out of the ordinary: how many there were, and the first few of them. */
export class Exceptions<T> {
  static readonly kept = 5
  count = 0
  readonly first: T[] = []

  /** Counts one more; `make` describes it and is called only for the first few. */
  add(make: () => T): void {
    this.count++
    if (this.first.length < Exceptions.kept) this.first.push(make())
  }
}

/** A tuple and where its record stands. Instants are absolute. */
export interface TupleFact {
  readonly seq: number
  readonly key: number
  readonly dc: 0 | 1
  readonly sentAt?: number
  readonly seen?: { readonly earliest: number; readonly latest: number }
  readonly file: 'sends' | 'sights'
  /** Number of the record within its file. */
  readonly record: number
  readonly note: string
}
