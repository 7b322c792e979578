import type { Site } from '../site/site.ts'

/** What a request handler gets. */
export interface RequestContext {
  readonly site: Site
  /** The path's variables, decoded. */
  readonly params: Readonly<Record<string, string>>
  /** The absolute URL that was asked for. */
  readonly self: URL
  readonly user: string
  readonly contentType: string
  readonly body: Buffer
  readonly links: Urls
}

/** Makes the absolute URIs that elements carry. */
export interface Urls {
  /** The URI of a path below the base path; segments must be encoded already. */
  at(path: string): string
  /** A status, health or reason in the spelling of the site's dialect. */
  word(value: string): string
}

/** What a handler answers. */
export type Answer =
  | { readonly status: number; readonly json: unknown }
  | { readonly status: number; readonly body: string | Buffer; readonly type: string }
  | { readonly status: 204 }

/** A 200 with JSON. */
export function ok(json: unknown): Answer {
  return { status: 200, json }
}
