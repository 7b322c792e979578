import { UnquotableError } from './errors.ts'
import type { Command } from './shell.ts'

/** Characters that no POSIX shell gives a meaning to, wherever they stand in a word. */
const PLAIN = /^[A-Za-z0-9_@%+:,./-]+$/

/**
 * The text as one word of a POSIX shell command. Everything that reaches a shell goes through this function; nothing else
 * quotes.
 * @throws UnquotableError if the text holds a NUL, which no argument can carry
 */
export function quote(text: string): string {
  if (text.includes('\0')) {
    throw new UnquotableError(`An argument of a command holds a NUL character: ${JSON.stringify(text.slice(0, 60))}.`, {
      remedy: 'Pass such data by standard input or in a file.',
    })
  }
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/** A command as one line of POSIX sh, ready to be run by a shell or written to a script. */
export function commandLine(command: Command): string {
  return wordsOf(command).map(quote).join(' ')
}

/** A command as an argument vector: a script becomes `sh -c script sh args…`. */
export function wordsOf(command: Command): readonly string[] {
  if (!('script' in command)) return command
  return ['sh', '-c', command.script, 'sh', ...(command.args ?? [])]
}
