import type { CallOptions } from './connection.ts'
import { rootSchema, type Root } from './elements.ts'
import { MalformedAnswerError, NotFoundError, type StreamsError } from './errors.ts'
import type { Transport } from './http.ts'

/** The directory of resources at `{base}/resources`, where every way begins. */
export interface Directory {
  /** Asks for it, also at the other base paths that the dialect knows if there is none at the configured one. */
  root(options?: CallOptions): Promise<Root>
  /** The URI of an entry; remembered. */
  link(name: string, options?: CallOptions): Promise<string>
  /** Start from the beginning at the next call. */
  forget(): void
}

/** The directory of the service behind a transport. */
export function createDirectory(transport: Transport): Directory {
  const { dc, dialect } = transport
  let remembered: Root | undefined

  const read = (url: string, options: CallOptions): Promise<Root> => transport.json(rootSchema, { ...options, url })

  async function elsewhere(first: StreamsError, options: CallOptions): Promise<Root> {
    const configured = transport.base
    const { origin, pathname } = new URL(configured)
    const others = dialect.basePaths.filter((other) => other !== pathname)
    for (const other of others) {
      try {
        const found = await read(`${origin}${other}/${dialect.rootPath}`, { ...options, attempts: 1 })
        transport.usePath(other)
        transport.notice(`there is no Streams REST service at ${configured}; using ${transport.base}. Correct the URL.`)
        return found
      } catch (error) {
        if (!isWrongPlace(error)) throw error
      }
    }
    const context = {
      dc,
      method: 'GET',
      url: first.url,
      status: first.status,
      messageId: first.messageId,
      cause: first,
    }
    const remedy = `Correct host, port and base path of \`url\` (\`streamtool geturl --api\` prints it); also tried ${others.join(', ') || 'nothing else'}.`
    throw first instanceof NotFoundError
      ? new NotFoundError('there is no directory of Streams resources here.', { ...context, remedy })
      : new MalformedAnswerError(first.message.replace(`${dc}: GET ${first.url}: `, ''), { ...context, remedy })
  }

  async function root(options: CallOptions = {}): Promise<Root> {
    try {
      remembered = await read(transport.below(dialect.rootPath), options)
    } catch (error) {
      if (!isWrongPlace(error)) throw error
      remembered = await elsewhere(error, options)
    }
    return remembered
  }

  return {
    root,
    forget() {
      remembered = undefined
    },
    async link(name, options) {
      const { resources } = remembered ?? (await root(options))
      const entry = resources.find((resource) => resource.name === name)
      if (entry) return entry.resource
      remembered = undefined
      const there = resources.map((resource) => resource.name).join(', ') || 'nothing'
      throw new MalformedAnswerError(
        `the directory of resources has no entry ${JSON.stringify(name)}, only ${there}.`,
        {
          dc,
          method: 'GET',
          url: transport.below(dialect.rootPath),
          remedy: 'If entries have other names there, say so in a dialect (`roots`).',
        },
      )
    },
  }
}

function isWrongPlace(error: unknown): error is NotFoundError | MalformedAnswerError {
  return error instanceof NotFoundError || error instanceof MalformedAnswerError
}
