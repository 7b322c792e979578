import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseOwn } from '../parse.ts'
import { parseBundle, type Bundle } from './bundle-file.ts'
import type { StoredBundle, StoredState } from './model.ts'

/** The part of a data centre that survives a loss of power. */
export class Disk {
  readonly directory: string
  readonly state: StoredState
  readonly #file: string

  constructor(directory: string) {
    this.directory = directory
    for (const part of ['bundles', 'logs', 'data', 'run'])
      mkdirSync(join(directory, part), { recursive: true, mode: 0o700 })
    this.#file = join(directory, 'state.json')
    this.state = existsSync(this.#file) ? parseOwn<StoredState>(readFileSync(this.#file, 'utf8')) : fresh()
  }

  /** Writes the state out; a loss of power meanwhile leaves the old one. */
  save(): void {
    const draft = `${this.#file}.draft`
    writeFileSync(draft, JSON.stringify(this.state), { mode: 0o600 })
    renameSync(draft, this.#file)
  }

  /** Keeps an uploaded bundle; the same bytes have the same id. */
  keepBundle(bytes: Buffer): StoredBundle | { readonly problem: string } {
    const bundle = parseBundle(bytes)
    if ('problem' in bundle) return bundle
    const id = createHash('sha224').update(bytes).digest('hex')
    writeFileSync(this.#bundleFile(id), bytes, { mode: 0o600 })
    return { id, bundle }
  }

  bundle(id: string): Bundle | undefined {
    if (!/^[0-9a-f]{56}$/.test(id) || !existsSync(this.#bundleFile(id))) return undefined
    const bundle = parseBundle(readFileSync(this.#bundleFile(id)))
    return 'problem' in bundle ? undefined : bundle
  }

  /** Where a log of a PE lies. */
  log(peId: string, kind: 'console' | 'trace'): string {
    return join(this.directory, 'logs', `pe-${peId}.${kind}`)
  }

  #bundleFile(id: string): string {
    return join(this.directory, 'bundles', `${id}.sab`)
  }
}

function fresh(): StoredState {
  return {
    nextJobId: 1,
    nextPeId: 1,
    instance: { wanted: 'started', creationTime: Date.now() },
    jobs: [],
    applicationConfigurations: [],
    quiescedHosts: [],
  }
}
