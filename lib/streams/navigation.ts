import type { z } from 'zod'
import { ConfigurationError } from '../core/index.ts'
import type { CallOptions, ListOptions } from './connection.ts'
import type { DialectCall } from './dialect.ts'
import { createDirectory, type Directory } from './directory.ts'
import { domainSchema, instanceSchema, type Domain, type Instance } from './elements.ts'
import { ConflictError, MalformedAnswerError, NotFoundError } from './errors.ts'
import type { Transport } from './http.ts'
import { elements, listing, type Collection } from './pagination.ts'
import type { Listing, ManagementClient, Ref } from './management.ts'

/** What the parts of the management client share: the way there, and how to follow links. */
export interface Navigator {
  readonly transport: Transport
  readonly directory: Directory
  /** The configured instance, remembered for its links. `fresh` asks anew. */
  instance(id: string | undefined, options?: CallOptions & { readonly fresh?: boolean }): Promise<Instance>
  domain(id: string | undefined, options?: CallOptions): Promise<Domain>
  /** A listing behind a link that is found when it is used. */
  list<S extends z.ZodType>(
    collection: Collection<S>,
    find: () => Promise<string>,
    options?: ListOptions,
  ): Listing<z.output<S>>
  /** An element by its own URI, or by id from a collection. */
  element<S extends z.ZodType>(
    ref: Ref,
    collection: Collection<S>,
    kind: string,
    find: () => Promise<string>,
    options?: CallOptions,
  ): Promise<z.output<S>>
  /** The URI in a property of an element. */
  link(element: object, name: string): string
  /** Performs a call of the dialect on an element. */
  call(
    element: { readonly self: string },
    call: DialectCall,
    options: CallOptions & { readonly repeatable: boolean },
  ): Promise<void>
}

const DOMAINS = { key: 'domains', schema: domainSchema }
const INSTANCES = { key: 'instances', schema: instanceSchema }

/** Finds its way from the directory of resources by links alone. */
export function createNavigator(transport: Transport, configuredInstance: string | undefined): Navigator {
  const { dc, dialect } = transport
  const directory = createDirectory(transport)
  let remembered: Instance | undefined

  const navigator: Navigator = {
    transport,
    directory,
    list: (collection, find, options) =>
      listing(async function* () {
        try {
          yield* elements(transport, await find(), collection, options)
        } catch (error) {
          // What was remembered may be out of date: the next call starts from the directory.
          if (error instanceof NotFoundError) forget()
          throw error
        }
      }),
    async element(ref, collection, kind, find, options = {}) {
      if (typeof ref !== 'string') return transport.json(collection.schema, { ...options, url: ref.self })
      const link = await find()
      for await (const found of elements(transport, link, collection, { ...options, where: { id: ref } })) {
        if (isNamed(found, ref)) return found
      }
      throw new NotFoundError(`there is no ${kind} with the id ${JSON.stringify(ref)}.`, {
        dc,
        method: 'GET',
        url: link,
      })
    },
    async instance(id, options = {}) {
      const wanted = id ?? configuredInstance
      if (remembered && (wanted === undefined || remembered.id === wanted)) {
        if (!options.fresh) return remembered
        try {
          remembered = await transport.json(instanceSchema, { ...options, url: remembered.self })
          return remembered
        } catch (error) {
          if (!(error instanceof NotFoundError)) throw error
          forget()
        }
      }
      const found = await pick(
        'instance',
        wanted,
        await directory.link(dialect.roots.instances, options),
        INSTANCES,
        options,
      )
      if (id === undefined || id === configuredInstance) remembered = found
      return found
    },
    async domain(id, options = {}) {
      if (id === undefined && configuredInstance !== undefined) {
        const { domain } = await navigator.instance(undefined, options)
        if (typeof domain === 'string') return transport.json(domainSchema, { ...options, url: domain })
      }
      return pick('domain', id, await directory.link(dialect.roots.domains, options), DOMAINS, options)
    },
    link(element, name) {
      const value: unknown = (element as Record<string, unknown>)[name]
      if (typeof value === 'string' && value !== '') return value
      const self = (element as { self?: unknown }).self
      throw new MalformedAnswerError(`the element has no link ${JSON.stringify(name)}.`, {
        dc,
        method: 'GET',
        url: typeof self === 'string' ? self : transport.base,
        remedy:
          'It may be missing by permission, by `fields`, or because this server names it otherwise (see the dialect).',
      })
    },
    async call(element, call, options) {
      const url =
        call.target === ''
          ? element.self
          : call.target.startsWith('link:')
            ? navigator.link(element, call.target.slice('link:'.length))
            : `${element.self.replace(/\/+$/, '')}/${call.target}`
      try {
        await transport.send({ ...options, method: call.method, url, ...(call.body ? { json: call.body } : {}) })
      } catch (error) {
        if (isAlreadyDone(error, dialect.errors.alreadyDone)) return
        throw error
      }
    },
  }

  function forget(): void {
    directory.forget()
    remembered = undefined
  }

  async function pick<T extends { readonly id: string }>(
    kind: string,
    id: string | undefined,
    link: string,
    collection: Collection<z.ZodType<T>>,
    options: CallOptions,
  ): Promise<T> {
    const where: ListOptions = id === undefined ? options : { ...options, where: { id } }
    const found: T[] = []
    for await (const element of elements(transport, link, collection, where)) {
      if (id === undefined || isNamed(element, id)) found.push(element)
    }
    const [only] = found
    if (only && found.length === 1) return only
    const context = { dc, method: 'GET', url: link }
    if (only) {
      throw new ConflictError(`there are ${found.length} ${kind}s: ${found.map((one) => one.id).join(', ')}.`, {
        ...context,
        remedy: `Name one as \`${kind}\`.`,
      })
    }
    throw new NotFoundError(id === undefined ? `there is no ${kind}.` : `there is no ${kind} ${JSON.stringify(id)}.`, {
      ...context,
      remedy: 'It may not exist, or the user may not see it.',
    })
  }
  if (configuredInstance === '') throw new ConfigurationError(`${dc}: the name of the instance is empty.`)
  return navigator
}

/** Collections at the top of the directory. */
export function directoryCalls(navigator: Navigator): Pick<ManagementClient, 'root' | 'domains' | 'instances'> {
  const { directory, transport } = navigator
  const { roots } = transport.dialect
  return {
    root: (options) => directory.root(options),
    domains: (options = {}) => navigator.list(DOMAINS, () => directory.link(roots.domains, callOf(options)), options),
    instances: (options = {}) =>
      navigator.list(INSTANCES, () => directory.link(roots.instances, callOf(options)), options),
  }
}

/** The part of a listing's options that any call understands. */
export function callOf({ signal, within, attempts }: CallOptions): CallOptions {
  return { signal, within, attempts }
}

function isNamed(element: unknown, id: string): boolean {
  const { id: own, restid } = element as { id?: unknown; restid?: unknown }
  return own === id || restid === id
}

function isAlreadyDone(error: unknown, ids: readonly string[]): boolean {
  return error instanceof ConflictError && error.messageId !== undefined && ids.includes(error.messageId)
}
