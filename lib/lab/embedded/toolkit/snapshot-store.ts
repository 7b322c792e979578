import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where received snapshots are kept. Names are without the `.snapshot` ending. */
export interface SnapshotStore {
  /** How traces call the place of a snapshot. */
  place(name: string): string
  /** @throws Error when it cannot be written */
  write(name: string, bytes: Uint8Array): void
  /** @throws Error when it cannot be read */
  read(name: string): Uint8Array
  /** Silent when there is none. */
  remove(name: string): void
  list(): readonly string[]
}

const ENDING = '.snapshot'

/** Files `<directory>/<name>.snapshot`, as the toolkit keeps them. */
export function fileStore(directory: string): SnapshotStore {
  const place = (name: string): string => `${directory}/${name}${ENDING}`
  return {
    place,
    write: (name, bytes) => {
      // The name comes from the network; the toolkit itself would follow it anywhere.
      if (directory === '' || /[/\\\0]/.test(name)) throw new Error(`${place(name)} is no place for a snapshot`)
      mkdirSync(directory, { recursive: true })
      writeFileSync(place(name), bytes)
    },
    read: (name) => readFileSync(place(name)),
    remove: (name) => {
      if (directory !== '' && !/[/\\\0]/.test(name)) rmSync(place(name), { force: true })
    },
    list: () => {
      if (directory === '') return []
      try {
        return readdirSync(join(directory))
          .filter((file) => file.endsWith(ENDING))
          .map((file) => file.slice(0, -ENDING.length))
          .sort()
      } catch {
        return []
      }
    },
  }
}

/** A store in memory, for virtual data centres: hand the same one to the next life of the process. */
export function memoryStore(files = new Map<string, Uint8Array>()): SnapshotStore & { files: Map<string, Uint8Array> } {
  return {
    files,
    place: (name) => `memory/${name}${ENDING}`,
    write: (name, bytes) => void files.set(name, bytes),
    read: (name) => {
      const bytes = files.get(name)
      if (!bytes) throw new Error(`there is no ${name}`)
      return bytes
    },
    remove: (name) => void files.delete(name),
    list: () => [...files.keys()].sort(),
  }
}
