import type { ServerResponse } from 'node:http'
import type { Answer } from './context.ts'

/** What a management API can be told to answer instead of the right thing. */
export const WRONG_ANSWERS = ['5xx', 'html', 'half-body', 'empty'] as const

/** See {@link WRONG_ANSWERS}. */
export type WrongAnswer = (typeof WRONG_ANSWERS)[number]

const PAGE = '<!doctype html>\n<html><head><title>Bad gateway</title></head><body>Try again later.</body></html>\n'

/** The answer that a broken server, or a proxy in front of it, gives. The request is not acted on. */
export function wrongAnswer(how: Exclude<WrongAnswer, 'half-body'>): Answer {
  switch (how) {
    case '5xx':
      return {
        status: 500,
        json: { messages: [{ id: 'CDISW5001E', message: 'CDISW5001E An unexpected error occurred: told to.' }] },
      }
    case 'html':
      return { status: 200, body: PAGE, type: 'text/html' }
    case 'empty':
      return { status: 200, body: '', type: 'application/json' }
  }
}

/** Sends the first half of an answer that announced its whole length, then breaks the connection. The request was acted on. */
export function sendHalf(response: ServerResponse, body: Buffer): void {
  response.setHeader('content-length', Math.max(1, body.length))
  response.write(body.subarray(0, Math.ceil(body.length / 2) - 1), () => response.destroy())
}
