import { createHash } from 'node:crypto'
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ImageName } from 'testcontainers'
import { messageOf } from '../../core/index.ts'
import { ContainerLabError } from './errors.ts'
import { nodeForImage } from './node-binary.ts'
import type { ContainerRuntime } from './runtime.ts'

/** What the lab's image is made from unless one is named. */
export const BASE_IMAGE = 'debian:bookworm-slim'

const FILES = ['Dockerfile', 'entrypoint.sh'] as const

/**
 * The lab's image, built where there is none of this content yet; returns its name. Building twice at the same time does no harm.
 * @throws ContainerLabError with what the builder said
 */
export async function labImage(
  runtime: ContainerRuntime,
  options: { readonly baseImage?: string | undefined; readonly onProgress?: ((line: string) => void) | undefined } = {},
): Promise<string> {
  const base = options.baseImage ?? BASE_IMAGE
  const node = await nodeForImage(runtime.architecture)
  const hash = createHash('sha256').update(`${base}\0${node.name}`)
  for (const file of FILES) hash.update(await readFile(besideThis(file)))
  const name = ImageName.fromString(`streams-failover-lab:${hash.digest('hex').slice(0, 16)}`)
  if (await runtime.client.image.exists(name)) return name.string
  options.onProgress?.(`building the container lab's image from ${base}, once …`)
  const context = await mkdtemp(join(tmpdir(), 'failover-image-'))
  try {
    for (const file of FILES) await copyFile(besideThis(file), join(context, file))
    await node.put(join(context, 'node'))
    await rm(join(context, 'node-package'), { recursive: true, force: true })
    await runtime.client.image.build(context, {
      t: name.string,
      dockerfile: 'Dockerfile',
      buildargs: { BASE: base },
      labels: { 'streams-failover.image': base },
    })
  } catch (cause) {
    throw new ContainerLabError(`The container lab's image could not be built from ${base}: ${messageOf(cause)}`, {
      remedy:
        'FAILOVER_LAB_IMAGE names another base image: one with glibc, and sshd, ip, tc, nft, iptables or apt-get.',
      cause,
    })
  } finally {
    await rm(context, { recursive: true, force: true })
  }
  if (!(await runtime.client.image.exists(name))) {
    throw new ContainerLabError(`The container lab's image could not be built from ${base}.`, {
      remedy: 'Build it by hand to see why: docker build --build-arg BASE=… lib/lab/containers.',
    })
  }
  options.onProgress?.(`built ${name.string}`)
  return name.string
}

function besideThis(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url))
}
