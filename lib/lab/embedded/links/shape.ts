/** What a link does to the bytes of one direction. */
export interface Shape {
  readonly cut: 'blackhole' | 'reset' | undefined
  readonly delayMs: number
  /** Up to this much more delay, anew for each chunk; order is kept. */
  readonly jitterMs: number
  /** Bytes per second; undefined is unlimited. */
  readonly rate: number | undefined
}

/** A link that does nothing. */
export const clear: Shape = { cut: undefined, delayMs: 0, jitterMs: 0, rate: undefined }

/** One fault's part in the shape of a link's direction. */
export type ShapePart = Partial<Shape>

/** The shape that several faults make together: any reset cuts hardest, delays add up, the lowest rate counts. */
export function combine(parts: Iterable<ShapePart>): Shape {
  let shape = clear
  for (const part of parts) {
    shape = {
      cut: shape.cut === 'reset' || part.cut === 'reset' ? 'reset' : (part.cut ?? shape.cut),
      delayMs: shape.delayMs + (part.delayMs ?? 0),
      jitterMs: shape.jitterMs + (part.jitterMs ?? 0),
      rate: part.rate === undefined ? shape.rate : Math.min(part.rate, shape.rate ?? Infinity),
    }
  }
  return shape
}

/** Whether bytes pass as if there were no link. */
export function isClear(shape: Shape): boolean {
  return shape.cut === undefined && shape.delayMs === 0 && shape.jitterMs === 0 && shape.rate === undefined
}
