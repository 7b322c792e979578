import { FailoverError, messageOf } from '../core/index.ts'

/** A schedule ended before its end: what was on is healed. `code` is that of what failed, and `details.place` where. */
export class ScheduleError extends FailoverError {
  constructor(place: string, title: string, cause: FailoverError) {
    super(cause.code, `The schedule ended at ${place}, ${title}: ${messageOf(cause)}`, {
      details: { ...cause.details, place },
      cause,
    })
  }
}
