import { asObject, asText } from '../embedded/parse.ts'
import { callDocker, saidBy, type DockerAnswer, type DockerEndpoint } from './docker-api.ts'
import { ownerLives } from './owner.ts'
import { LAB_LABEL, OWNER_LABEL } from './plan.ts'

/** Kinds of things that a lab consists of, in the order in which they can go. */
const KINDS = [
  {
    list: '/containers/json?all=1&',
    member: undefined,
    key: 'Id',
    remove: (id: string) => `/containers/${id}?force=1&v=1`,
  },
  { list: '/networks?', member: undefined, key: 'Id', remove: (id: string) => `/networks/${id}` },
  { list: '/volumes?', member: 'Volumes', key: 'Name', remove: (id: string) => `/volumes/${id}?force=1` },
] as const

/** Gone already, or somebody else is removing it at the moment. */
const NO_LONGER_OURS = [404, 409]

/**
 * Removes all containers, networks and volumes that carry a lab's label. Returns how many there were.
 * @throws Error naming what the daemon would not remove
 */
export async function removeLab(docker: DockerEndpoint, id: string): Promise<number> {
  let removed = 0
  for (const kind of KINDS) {
    const found = await labelled(docker, kind, `${LAB_LABEL}=${id}`)
    removed += found.length
    await Promise.all(
      found.map(async ({ id: thing }) => {
        const answer = await callDocker(docker, 'DELETE', kind.remove(thing))
        if (answer.status >= 400 && !NO_LONGER_OURS.includes(answer.status)) throw refused(kind.remove(thing), answer)
      }),
    )
  }
  return removed
}

/** Removes what labs of dead processes left. Returns their ids. */
export async function removeStaleLabs(docker: DockerEndpoint): Promise<readonly string[]> {
  const stale = new Set<string>()
  for (const kind of KINDS) {
    for (const { lab, owner } of await labelled(docker, kind, LAB_LABEL)) if (!ownerLives(owner)) stale.add(lab)
  }
  for (const lab of stale) await removeLab(docker, lab)
  return [...stale]
}

interface Labelled {
  readonly id: string
  readonly lab: string
  readonly owner: string
}

async function labelled(docker: DockerEndpoint, kind: (typeof KINDS)[number], label: string): Promise<Labelled[]> {
  const path = `${kind.list}filters=${encodeURIComponent(JSON.stringify({ label: [label] }))}`
  const answer = await callDocker(docker, 'GET', path)
  if (answer.status !== 200) throw refused(path, answer)
  const list = kind.member === undefined ? answer.json : asObject(answer.json)?.[kind.member]
  return (Array.isArray(list) ? list : []).map((entry) => {
    const thing = asObject(entry)
    const labels = asObject(thing?.['Labels'])
    return {
      id: asText(thing?.[kind.key]) ?? '',
      lab: asText(labels?.[LAB_LABEL]) ?? '',
      owner: asText(labels?.[OWNER_LABEL]) ?? '',
    }
  })
}

function refused(path: string, answer: DockerAnswer): Error {
  return new Error(`Docker refused ${path} with ${saidBy(answer)}`)
}
