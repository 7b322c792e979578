import { exampleOf, VARIABLES, type VariableDescription, type VariableScope } from './variable-table.ts'

const CHAPTERS: Readonly<Record<VariableScope, string>> = {
  target: 'What the specs run against',
  site: 'Live sites (FAILOVER_TARGET=live), each variable once per data centre',
  live: 'Live sites, as a pair',
  run: 'Every run',
  lab: 'The labs (FAILOVER_TARGET=embedded or containers)',
}

/** The text of `.env.example`: every variable of the table, explained and commented out. */
export function renderEnvExample(): string {
  const lines = [
    '# Copy to .env and fill in what you need; with nothing set, the specs run in the embedded lab.',
    '# Variables of the process environment win over this file. Keep .env out of version control.',
    '# This file is made from lib/environment/variable-table.ts; a test keeps it in step.',
  ]
  for (const [scope, chapter] of Object.entries(CHAPTERS)) {
    lines.push('', `# ── ${chapter} ──`)
    for (const description of VARIABLES.filter((candidate) => candidate.scope === scope))
      lines.push(...entry(description))
  }
  return `${lines.join('\n')}\n`
}

function entry(description: VariableDescription): string[] {
  const { name, scope, required, secret } = description
  const needs = description.needs === undefined ? undefined : `with ${description.needs}`
  const marks = [required ? 'required' : undefined, needs, secret ? 'secret' : undefined].filter(Boolean)
  const text = `${description.description}${marks.length > 0 ? ` (${marks.join(', ')})` : ''}`
  const valueFor = (dc: 'east' | 'west'): string => {
    const example = exampleOf(description, dc)
    return /[\s"#]/.test(example) ? `'${example}'` : example
  }
  const assignments =
    scope === 'site'
      ? [`# FAILOVER_EAST_${name}=${valueFor('east')}`, `# FAILOVER_WEST_${name}=${valueFor('west')}`]
      : [`# ${name}=${valueFor('east')}`]
  return ['', ...wrap(text), ...assignments]
}

function wrap(text: string): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + word.length < 118) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(`# ${word}`)
  }
  return lines
}
