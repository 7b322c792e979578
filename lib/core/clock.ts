/** The two clocks of an observer: a monotonic one for all durations, the wall only for labels. */
export interface Clock {
  /** Milliseconds with fraction on the machine's monotonic clock; the same in every process and thread of the machine. */
  now(): number
  /** Milliseconds since the epoch. */
  wall(): number
}

/** The machine's clocks. */
export const systemClock: Clock = {
  now: () => Number(process.hrtime.bigint()) / 1e6,
  wall: () => Date.now(),
}

/** The machine's monotonic clock in milliseconds. */
export const now = (): number => systemClock.now()
