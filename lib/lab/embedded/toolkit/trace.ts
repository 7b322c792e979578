/** An application trace line of a PE: `aspect` as in SPL's `appTrc`. */
export type Trace = (level: 'error' | 'warn' | 'info', aspect: string, text: string) => void

/** The marker that all lines of the toolkit carry. */
export const MARK = '_XXXXX_'

const SHOWN_BYTES = 64

/** A blob as the trace shows it; long ones are cut, which the toolkit does not do. */
export function showBlob(bytes: Uint8Array): string {
  const shown = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, SHOWN_BYTES)).toString('hex')
  return bytes.length > SHOWN_BYTES ? `${shown}…` : shown
}
