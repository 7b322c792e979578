/** A request that the site does not grant: the HTTP status and the message id of the answer. */
export class Refusal extends Error {
  readonly status: number
  readonly id: string

  constructor(status: number, id: string, message: string) {
    super(message)
    this.name = 'Refusal'
    this.status = status
    this.id = id
  }
}

/** The element does not exist (CDISW5000E). */
export function notFound(resourceType: string, restid: string): Refusal {
  const text = `The resource with the ${resourceType} resourceType and restid ${restid} cannot be found.`
  return new Refusal(404, 'CDISW5000E', text)
}

/** The job does not exist (CDISA5230E). */
export function noSuchJob(id: string): Refusal {
  return new Refusal(404, 'CDISA5230E', `The following job ID does not exist: ${id}. The job may be cancelled.`)
}

/** The instance is not started (CDISA5072E). */
export function notStarted(instance: string): Refusal {
  return new Refusal(409, 'CDISA5072E', `The ${instance} instance is not started.`)
}

/** A value of a request is not acceptable (CDISA5037E). */
export function invalidValue(text: string): Refusal {
  return new Refusal(400, 'CDISA5037E', text)
}
