import type { Cell } from './cell.ts'
import { GROUNDS } from './ground.ts'

/** The matrix as a table of Markdown, with the reasons of refusals and failures below. */
export function renderMatrix(cells: readonly Cell[]): string {
  const grounds = GROUNDS.filter((ground) => cells.some((cell) => cell.ground === ground))
  const notes: string[] = []
  const noteOn = (text: string): string => {
    if (!notes.includes(text)) notes.push(text)
    return `[${notes.indexOf(text) + 1}]`
  }
  const show = (cell: Cell | undefined): string => {
    if (cell === undefined) return '–'
    const left = cell.left.length > 0 ? ` LEFT ${noteOn(cell.left.join('; '))}` : ''
    const doubts =
      cell.doubts.length > 0 && cell.outcome === 'healed' ? ` DOUBTS ${noteOn(cell.doubts.join('; '))}` : ''
    const reason = cell.reason === undefined ? '' : ` ${noteOn(shortened(cell.reason))}`
    const text = cell.outcome === 'healed' ? `${seconds(cell.confirmedMs)} / ${seconds(cell.healedMs)}` : cell.outcome
    return `${text}${reason}${left}${doubts}`
  }
  const line = (parts: readonly string[]): string => `| ${parts.join(' | ')} |`
  const kinds = [...new Set(cells.map(({ kind }) => kind))].sort()
  return [
    'Injected and its effect measured within, healed and its absence measured within, hosts identical:',
    '',
    line(['fault', ...grounds]),
    line(['---', ...grounds.map(() => '---')]),
    ...kinds.map((kind) =>
      line([
        kind,
        ...grounds.map((ground) => show(cells.find((cell) => cell.kind === kind && cell.ground === ground))),
      ]),
    ),
    '',
    ...notes.map((text, index) => `${index + 1}. ${text}`),
    '',
  ].join('\n')
}

function seconds(ms: number | undefined): string {
  return ms === undefined ? '?' : `${(ms / 1000).toFixed(1)} s`
}

/** A reason without the fault's own name, so that the same reason is told once. */
function shortened(text: string): string {
  const said = text.replace(/^\S+ on .*? is refused: /, '').replaceAll('\n', ' ')
  return (/^.*?\.(?= [A-Z])/.exec(said)?.[0] ?? said).replaceAll('|', '\\|').slice(0, 400)
}
