import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import { type Backend, type SendBodyOptions as CoreOptions, type SentBody, type WriteData, sendBody as withBackend } from '@sendzc/core'
import { sharingBackend } from './zero-copy.js'

/** Options of {@link sendBody}. */
export type SendBodyOptions = Omit<CoreOptions, 'backend'> & {
  /** The notification path. Left out: the first of `uring()`, `inline()`, `errqueue()` that works; where none does, Node's own path sends. */
  backend?: Backend | undefined
}

/**
 * Answers a request with `body`, whose memory is shared with the kernel; see `sendBody` of `@sendzc/core`. Head and body leave in one message, in the
 * turn of the response among those of its connection, and the response ends as after `response.end(body)`.
 * @param body - belongs to the kernel until `released`
 * @throws ZeroCopyError, before anything is changed
 */
export function sendBody(response: ServerResponse | Http2ServerResponse, body: WriteData, options: SendBodyOptions = {}): SentBody {
  const given = Object(options) as SendBodyOptions
  return withBackend(response, body, { ...given, backend: given.backend ?? sharingBackend() })
}
