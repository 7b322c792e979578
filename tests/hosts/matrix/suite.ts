import { afterAll, describe, expect, it } from 'vitest'
import { needsBed, type Need } from '../beds/need.ts'
import { keepMatrix } from '../kept.ts'
import { lackingOn, tryCell, type Cell, type Tried } from './cell.ts'
import type { Ground, GroundName } from './ground.ts'
import { renderMatrix } from './render.ts'
import { rows } from './rows.ts'

/** A ground of the matrix, what it needs, and how long a fault may take there. */
export interface MatrixGround {
  readonly name: GroundName
  readonly needs: Need | []
  readonly start: () => Promise<Ground>
  readonly withinMs: number
}

/**
 * Every kind of fault on one kind of host: injected, its effect measured, healed, its absence measured, and the host identical to
 * what it was: packet filter, traffic control, rules and routes, mounts, processes and the directory of leases. Where a combination
 * cannot be, it is refused before anything is touched, and says why. Prints the ground's column of the matrix and stores it in
 * `.failover/matrix/`; `.failover/matrix.md` has all columns that were made.
 */
export function matrixOn({ name, needs, start, withinMs }: MatrixGround): void {
  describe(`on ${name}`, () => {
    const ground = needsBed(needs, start)
    const cells: Cell[] = []
    let last: Tried['after'] | undefined

    afterAll(() => {
      if (cells.length === 0) return
      keepMatrix('matrix', name, { cells }, (parts) => renderMatrix(parts.flatMap((part) => part.cells)))
      process.stdout.write(`\n${renderMatrix(cells)}`)
    })

    it.each(Object.entries(rows))('%s', { timeout: withinMs }, async (kind, row) => {
      const lacking = lackingOn(ground(), row.make(ground().places))
      const before = last ?? (await ground().state())
      last = undefined
      const { cell, after } = await tryCell(row, { kind, name, ground: ground(), before })
      cells.push(cell)
      // What was left is told once, by the fault that left it.
      last = after
      const refusal = lacking.length > 0 ? new RegExp(`does not offer ${lacking.join(', ')}`) : row.refused?.[name]
      expect(cell).toMatchObject({ outcome: refusal ? 'refused' : 'healed', left: [], doubts: [] })
      if (refusal) expect(cell.reason).toMatch(refusal)
      else expect(Object.keys(cell.effect ?? {})).not.toEqual([])
    })
  })
}
