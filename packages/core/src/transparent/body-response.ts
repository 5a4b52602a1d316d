import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { ZeroCopyError } from '../errors.js'

/** The part of a response that HTTP/1.1 and the compatible API of HTTP/2 have in common. */
export type AnyResponse = Pick<
  ServerResponse,
  'destroyed' | 'getHeader' | 'headersSent' | 'once' | 'prependOnceListener' | 'statusCode' | 'writableEnded'
> & {
  readonly req: { readonly method?: string | undefined }
  writeHead(status: number, headers: OutgoingHttpHeaders): unknown
  write(chunk: Uint8Array): boolean
  end(): unknown
  destroy(error?: Error): unknown
}

/** Status codes whose responses have no body (RFC 9110, 15.3.5 and 15.4.5). */
const BODILESS_STATUSES: readonly number[] = [204, 304]

/** @throws ZeroCopyError ERR_ZC_INVALID_ARGUMENT, ERR_ZC_CLOSED */
export function checkResponse(response: unknown): asserts response is AnyResponse {
  const { writeHead, end, getHeader, headersSent, destroyed, writableEnded } = Object(response) as Partial<AnyResponse>
  if (![writeHead, end, getHeader].every((method) => typeof method === 'function')) {
    throw new ZeroCopyError('ERR_ZC_INVALID_ARGUMENT', 'sendBody() takes the response of a server of node:http, node:https or node:http2.')
  }
  const { socket } = Object((response as Partial<AnyResponse>).req) as { socket?: { destroyed?: boolean } }
  if (destroyed === true || socket?.destroyed === true)
    throw new ZeroCopyError('ERR_ZC_CLOSED', 'The connection of the response is closed.')
  if (headersSent === true || writableEnded === true) {
    throw new ZeroCopyError('ERR_ZC_INVALID_ARGUMENT', 'The response has its head already.', {
      remedy: 'Leave the head to sendBody(): give it status and headers.',
    })
  }
}

/** node:http takes some ms to load, and whoever has a response to send has loaded it. */
function http(): typeof import('node:http') {
  return process.getBuiltinModule('node:http')
}

export function isHttp1(response: AnyResponse): response is AnyResponse & ServerResponse {
  return response instanceof http().ServerResponse
}

/**
 * The headers of the response, with the length of the body.
 * @throws ZeroCopyError ERR_ZC_INVALID_OPTION
 */
export function headersFor(response: AnyResponse, status: number, headers: OutgoingHttpHeaders, bytes: number): OutgoingHttpHeaders {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) throw invalid('headers must be an object.')
  const { validateHeaderName, validateHeaderValue } = http()
  const all: OutgoingHttpHeaders = {}
  let given = response.getHeader('content-length')
  let isFramed = response.getHeader('transfer-encoding') !== undefined
  for (const [name, value] of Object.entries(headers)) {
    try {
      validateHeaderName(name)
      validateHeaderValue(name, value as string)
    } catch (cause) {
      throw new ZeroCopyError('ERR_ZC_INVALID_OPTION', `sendBody(): headers: ${(cause as Error).message}`, { cause })
    }
    if (name.toLowerCase() === 'content-length') given = value
    else all[name] = value
    if (name.toLowerCase() === 'transfer-encoding') isFramed = true
  }
  if (isFramed) throw invalid('A body of known length has no Transfer-Encoding.')
  if (given !== undefined && Number(given) !== bytes && !BODILESS_STATUSES.includes(status)) {
    throw invalid(`Content-Length is ${String(given)}, and the body has ${bytes} bytes.`)
  }
  if (!BODILESS_STATUSES.includes(status)) all['Content-Length'] = bytes
  else if (given !== undefined && status === 304) all['Content-Length'] = given
  return all
}

/** Whether the response to this request has a body. */
export function hasBody(response: AnyResponse, status: number): boolean {
  return response.req.method !== 'HEAD' && !BODILESS_STATUSES.includes(status)
}

export function invalid(message: string): ZeroCopyError {
  return new ZeroCopyError('ERR_ZC_INVALID_OPTION', `sendBody(): ${message}`)
}
