export { CommandNotStartedError, CommandTimeoutError, UnquotableError } from './errors.ts'
export { localShell, type LocalShellOptions } from './local.ts'
export { commandLine, quote, wordsOf } from './quote.ts'
export type { Command, RunOptions, RunResult, Shell, ShellScript } from './shell.ts'
