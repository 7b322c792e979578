import type { HeartbeatMessage } from '../../../toolkit/wire.ts'

/** A toolkit message as a tuple between PEs: 64-bit numbers as text, blobs as base64. */
export interface MessageJson {
  readonly heartbeatMsgType: number
  readonly heartbeatCnt: string
  readonly dataCenterOrigin: string
  readonly dataSnapshot: string
  readonly dataSnapshotOrigin: string
}

export function toJson(message: HeartbeatMessage): MessageJson {
  return {
    ...message,
    heartbeatCnt: message.heartbeatCnt.toString(),
    dataSnapshot: Buffer.from(message.dataSnapshot).toString('base64'),
  }
}

export function fromJson(json: MessageJson): HeartbeatMessage {
  return {
    ...json,
    heartbeatCnt: BigInt(json.heartbeatCnt),
    dataSnapshot: new Uint8Array(Buffer.from(json.dataSnapshot, 'base64')),
  }
}
