import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Agent } from 'undici'
import { agentOf, caller, control, temporaryLab } from '../lab.test-harness.ts'
import type { EmbeddedLab } from '../types.ts'

let lab: EmbeddedLab
let agent: Agent & AsyncDisposable
let call: ReturnType<typeof caller>
let root: string

beforeAll(async () => {
  lab = await temporaryLab({ submit: false })
  agent = agentOf(lab)
  call = caller(lab.sites.east, agent)
  root = `${lab.sites.east.managementUrl}/resources`
})

afterAll(async () => {
  await agent?.destroy()
  await lab?.[Symbol.asyncDispose]()
})

const wrong = (id: string, mode: string, dc = 'east') =>
  control(lab, 'rest', 'wrong', '--id', id, '--dc', dc, '--mode', mode)

describe('a management API that is told to answer wrongly', () => {
  it('says what it was told to, to everyone, and only in its data centre', async () => {
    await wrong('a', '5xx')
    const error = await call(root)
    expect([error.status, error.json.messages.map(({ id }) => id)]).toEqual([500, ['CDISW5001E']])
    expect((await call(root, { auth: 'nobody:at all' })).status).toBe(500)
    expect((await caller(lab.sites.west, agent)(`${lab.sites.west.managementUrl}/resources`)).status).toBe(200)
    await control(lab, 'rest', 'heal', '--id', 'a')

    await wrong('b', 'html')
    const page = await call(root)
    expect([page.status, page.headers['content-type'], page.text.startsWith('<!doctype html>')]).toEqual([
      200,
      'text/html',
      true,
    ])
    await control(lab, 'rest', 'heal', '--id', 'b')

    await wrong('c', 'empty')
    await expect(call(root)).rejects.toThrow(/JSON/)
    await control(lab, 'rest', 'heal', '--id', 'c')

    await wrong('d', 'half-body')
    await expect(call(root)).rejects.toThrow(/other side closed|terminated|aborted/)
    await control(lab, 'rest', 'heal', '--id', 'd')
    expect((await call(root)).json.resourceType).toBe('resourceList')
  })

  it('does what it was told last, and what it was told before when that is healed', async () => {
    await wrong('first', 'html')
    await wrong('second', '5xx')
    expect((await call(root)).status).toBe(500)
    expect(await control(lab, 'rest', 'show')).toMatchObject([{ fault: 'first' }, { fault: 'second' }])
    expect(await control(lab, 'rest', 'heal', '--id', 'second')).toEqual({ id: 'second', healed: true })
    expect((await call(root)).headers['content-type']).toBe('text/html')
    await control(lab, 'rest', 'heal', '--id', 'first')
    expect(await control(lab, 'rest', 'heal', '--id', 'first')).toEqual({ id: 'first', healed: false })
    expect((await call(root)).status).toBe(200)
  })

  it('can be told so while it has no power, and answers so from its first answer on', async () => {
    await control(lab, 'power', 'off', 'east')
    await wrong('dark', '5xx')
    await control(lab, 'power', 'on', 'east')
    expect((await call(root)).status).toBe(500)
    await control(lab, 'rest', 'heal', '--id', 'dark')
    expect((await call(root)).status).toBe(200)
  })

  it('cannot be told what it does not know', async () => {
    await expect(wrong('x', 'sarcasm')).rejects.toThrow(/--mode is one of 5xx, html, half-body, empty/)
    await expect(control(lab, 'rest', 'wrong', '--mode', '5xx', '--dc', 'east')).rejects.toThrow(/--id is missing/)
  })
})
