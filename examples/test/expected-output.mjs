/**
 * What each example prints when all of it went well.
 * @type {Record<string, RegExp>}
 */
export const EXPECTED_OUTPUT = {
  'broadcast.mjs':
    /999 of 999 peers have 1048576 bytes each, released: (copied|zerocopy)\nthe stalled peer: ERR_ZC_ABORTED, its memory: (copied|zerocopy)/,
  'serve-memory.mjs': /received 33554432 bytes/,
  'file-server.mjs': /whole 200, range 206, beyond 416, known 304, outside 400/,
  'log-shipper.mjs': /16 of them are back\nreceived \d+ bytes, the same/,
  'opentelemetry-metrics.mjs': /sendzc\.sent 1048576 \{\}[\s\S]+received 1048576 bytes/,
  'cached-objects.mjs':
    /GET 200, HEAD 200, Range 206, If-None-Match 304[\s\S]+3 pipelined[\s\S]+aborted one, then served 2 more[\s\S]+closed/,
  'express-app.mjs': /served 3 reports and 1 small answer; sockets that shared memory: [1-9]/,
  'media-segments.mjs': /played 12 segments; memory was used again [1-9]\d* times; closed/,
  'pipe-stream.mjs': /received 16777216 bytes/,
  'prometheus-metrics.mjs': /\nsendzc_sent_bytes_total 1048576\n[\s\S]+received 1048576 bytes/,
  'rtp-to-many.mjs':
    /30 frames to 100 receivers: 3000 writes in \d\d system calls, 0 failed\nreceived \d+ packets, 0 out of order or damaged/,
  'udp-datagrams.mjs': /200 datagrams sent: 200 (copied|zerocopy)/,
  'websocket-broadcast.mjs': /60 messages of 1000000 bytes arrived at 20 clients[\s\S]+shared with the kernel/,
}

/**
 * Flags of Node.js that an example is started with: an app that knows nothing of the library gets it so.
 * @type {Record<string, string[]>}
 */
export const FLAGS = { 'express-app.mjs': ['--import', 'sendzc/register'] }
