/** The complete lines of a file with their byte offsets, and how many bytes follow the last line end. */
export interface CompleteLines {
  readonly lines: readonly { readonly text: string; readonly offset: number }[]
  readonly tailBytes: number
}

const NEWLINE = 0x0a

/** Splits a file into lines; what follows the last line end is a line that was being written when the writer died. */
export function completeLines(bytes: Buffer): CompleteLines {
  const lines: { text: string; offset: number }[] = []
  let offset = 0
  while (true) {
    const end = bytes.indexOf(NEWLINE, offset)
    if (end < 0) return { lines, tailBytes: bytes.length - offset }
    if (end > offset) lines.push({ text: bytes.toString('utf8', offset, end), offset })
    offset = end + 1
  }
}

/** Length of a file's content up to and including its last line end. */
export function lengthOfCompleteLines(bytes: Buffer): number {
  return bytes.lastIndexOf(NEWLINE) + 1
}
