import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { messageOf } from '../core/index.ts'
import { readJson } from './answer.ts'
import type { CallOptions } from './connection.ts'
import { BundleMissingError } from './errors.ts'
import type { Navigator } from './navigation.ts'

/**
 * The bytes of a bundle file, read before anything is sent.
 * @throws BundleMissingError that names the path
 */
export async function readBundle(dc: string, path: string): Promise<Uint8Array> {
  const missing = (text: string, cause?: unknown): BundleMissingError =>
    new BundleMissingError(path, text, {
      dc,
      method: 'POST',
      url: path,
      cause,
      remedy: 'Build the application, or correct the path of its bundle (.sab).',
    })
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (error) {
    throw missing(`the bundle cannot be read (${messageOf(error)}).`, error)
  }
  if (bytes.length === 0) throw missing('the bundle file is empty.')
  return bytes
}

/** Uploads a bundle. Repeated after a failure: a bundle that is there twice does no harm. @returns its id, as submissions name it */
export async function uploadBundle(
  navigator: Navigator,
  bytes: Uint8Array,
  options: CallOptions = {},
): Promise<string> {
  const { transport } = navigator
  const { links, paths, submit, contentTypes } = transport.dialect
  const instance = await navigator.instance(undefined, { signal: options.signal })
  const link: unknown = instance[links.applicationBundles]
  const url = typeof link === 'string' ? link : `${instance.self}/${paths.applicationBundles}`
  const answer = await transport.send({
    method: 'POST',
    url,
    body: bytes,
    contentType: contentTypes.bundle,
    repeatable: true,
    signal: options.signal,
    attempts: options.attempts,
    within: options.within ?? '10m',
    attemptWithin: options.within ?? '10m',
  })
  const schema = z.looseObject({ [submit.bundleId]: z.string().min(1) })
  const id = String(readJson(answer, schema)[submit.bundleId])
  return id.startsWith(submit.bundleIdPrefix) ? id : `${submit.bundleIdPrefix}${id}`
}
