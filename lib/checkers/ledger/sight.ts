/** A sight of a tuple whose key is known, with what its send record says. Reused from tuple to tuple. */
export interface KeyedSight {
  seq: number
  key: number
  keySeq: number
  value: number
  count: number
  sum: number
  dc: 0 | 1
  sentAt: number
  /** Number of the send record. */
  send: number
  batch: number
  /** Its batch is known to have stayed without an answer; of an open one, the table of batches tells. */
  givenUp: boolean
  repeated: boolean
  earliest: number
  latest: number
  /** Number of the sight record. */
  record: number
}

/** A sight to be filled in. */
export const blankSight = (): KeyedSight => ({
  seq: 0,
  key: 0,
  keySeq: 0,
  value: 0,
  count: 0,
  sum: 0,
  dc: 0,
  sentAt: 0,
  send: 0,
  batch: 0,
  givenUp: false,
  repeated: false,
  earliest: 0,
  latest: 0,
  record: 0,
})

/** What the table knows of the tuple of a sight. Reused from call to call. */
export interface Found {
  /** False: no send record of that number (so far). */
  sent: boolean
  /** Seen before, at any data centre. */
  repeated: boolean
  /** Seen before, but not at this data centre. */
  elsewhere: boolean
  key: number
  keySeq: number
  value: number
  sentAt: number
  send: number
  batch: number
  givenUp: boolean
}

/** An answer to be filled in. */
export const blankFound = (): Found => ({
  sent: false,
  repeated: false,
  elsewhere: false,
  key: 0,
  keySeq: 0,
  value: 0,
  sentAt: 0,
  send: 0,
  batch: 0,
  givenUp: false,
})
