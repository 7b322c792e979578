/**
 * Every kind of fault on every kind of host: injected, its effect measured, healed, its absence measured, and the host identical to
 * what it was: packet filter, traffic control, rules and routes, mounts, processes and the directory of leases. Where a combination
 * cannot be, it is refused before anything is touched, and says why. Prints the matrix, and stores it in `.failover/matrix.json` and
 * `.md`.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { faultKinds } from '../../lib/faults/index.ts'
import { startSshdBed } from './beds/sshd.ts'
import { needsBed, type Need } from './beds/need.ts'
import { startVmBed } from './beds/vm.ts'
import { lackingOn, tryCell, type Cell, type Tried } from './matrix/cell.ts'
import type { Ground, GroundName } from './matrix/ground.ts'
import { bedGround, containerGround, localGround } from './matrix/grounds.ts'
import { renderMatrix } from './matrix/render.ts'
import { rows } from './matrix/rows.ts'

const GROUNDS: readonly { name: GroundName; needs: Need | []; start: () => Promise<Ground>; withinMs: number }[] = [
  { name: 'local', needs: [], start: localGround, withinMs: 120_000 },
  { name: 'sshd', needs: 'sshd', start: () => bedGround(startSshdBed, '/var/tmp'), withinMs: 120_000 },
  { name: 'container', needs: 'docker', start: containerGround, withinMs: 120_000 },
  { name: 'vm', needs: 'vm', start: () => bedGround(startVmBed, '/mnt/state'), withinMs: 300_000 },
]

const cells: Cell[] = []

afterAll(() => {
  if (cells.length === 0) return
  mkdirSync('.failover', { recursive: true })
  const text = renderMatrix(cells)
  writeFileSync('.failover/matrix.json', `${JSON.stringify({ cells }, null, 2)}\n`)
  writeFileSync('.failover/matrix.md', text)
  process.stdout.write(`\n${text}`)
})

it('has a row for every kind of fault', () => {
  expect(Object.keys(rows).sort()).toEqual(faultKinds.map(({ kind }) => kind).sort())
})

describe.each(GROUNDS)('on $name', ({ name, needs, start, withinMs }) => {
  const ground = needsBed(needs, start)
  let last: Tried['after'] | undefined

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
