/** Every kind of fault on this machine, on machines over SSH, and in the container lab; the VM has a lane of its own. */
import { expect, it } from 'vitest'
import { faultKinds } from '../../lib/faults/index.ts'
import { startSshdBed } from './beds/sshd.ts'
import { bedGround, containerGround, localGround } from './matrix/grounds.ts'
import { rows } from './matrix/rows.ts'
import { matrixOn } from './matrix/suite.ts'

it('has a row for every kind of fault', () => {
  expect(Object.keys(rows).sort()).toEqual(faultKinds.map(({ kind }) => kind).sort())
})

const withinMs = 120_000
matrixOn({ name: 'local', needs: [], start: localGround, withinMs })
matrixOn({ name: 'sshd', needs: 'sshd', start: () => bedGround(startSshdBed, '/var/tmp'), withinMs })
matrixOn({ name: 'container', needs: 'docker', start: containerGround, withinMs })
