// stats() of every writer as a page for Prometheus, in its text format and without a library.
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { auto, openWriter } from 'sendzc'

/** Counters and gauges by the name that the page gives them: what kind, what it counts, and where it stands in stats(). */
const METRICS = {
  writes_total: ['counter', 'Writes accepted', (stats) => stats.writes],
  sends_total: ['counter', 'Messages that the kernel took', (stats) => stats.sends],
  sent_bytes_total: ['counter', 'Bytes sent', (stats) => stats.bytesSent],
  zerocopy_sends_total: ['counter', 'Messages sent from the memory of this process', (stats) => stats.zerocopySends],
  abandoned_bytes_total: ['counter', 'Bytes left pinned on purpose', (stats) => stats.abandonedBytes],
  queued_bytes: ['gauge', 'Bytes accepted and not yet sent', (stats) => stats.queuedBytes],
  in_flight_bytes: ['gauge', 'Bytes sent and not yet released', (stats) => stats.bytesInFlight],
}
const CAUSES = ['kernel', 'threshold', 'limit', 'demoted', 'backend']

/** Sums over the writers of a process. A counter must not fall when a writer closes, so what it counted is kept. */
class WriterMetrics {
  #open = new Set()
  #closed = { values: {}, copies: {}, releaseLatencyUs: [] }

  watch(writer) {
    this.#open.add(writer)
    const retire = () => {
      if (this.#open.delete(writer)) this.#add(this.#closed, writer.stats(), 'counter')
    }
    // After `ended` nothing more is written; close() then waits for the last release.
    writer.ended.then(() => writer.close()).then(retire, retire)
    return writer
  }

  #add(sums, stats, onlyKind) {
    for (const [name, [kind, , read]] of Object.entries(METRICS)) {
      if (onlyKind === undefined || kind === onlyKind) sums.values[name] = (sums.values[name] ?? 0) + read(stats)
    }
    for (const cause of CAUSES) sums.copies[cause] = (sums.copies[cause] ?? 0) + stats.copies[cause]
    for (const [at, count] of stats.releaseLatencyUs.entries()) sums.releaseLatencyUs[at] = (sums.releaseLatencyUs[at] ?? 0) + count
  }

  /** The page. Times are in seconds, as Prometheus has them; a bucket counts every release up to its bound. */
  page() {
    const sums = structuredClone(this.#closed)
    for (const writer of this.#open) this.#add(sums, writer.stats())
    const lines = []
    const metric = (name, kind, help) => lines.push(`# HELP sendzc_${name} ${help}.`, `# TYPE sendzc_${name} ${kind}`)
    for (const [name, [kind, help]] of Object.entries(METRICS)) {
      metric(name, kind, help)
      lines.push(`sendzc_${name} ${sums.values[name] ?? 0}`)
    }
    metric('copied_sends_total', 'counter', 'Messages copied, by cause')
    for (const cause of CAUSES) lines.push(`sendzc_copied_sends_total{cause="${cause}"} ${sums.copies[cause] ?? 0}`)
    metric('release_seconds', 'histogram', 'From submit to release, of one batch in eight')
    let count = 0
    for (const [at, inBucket] of sums.releaseLatencyUs.entries()) {
      count += inBucket
      lines.push(`sendzc_release_seconds_bucket{le="${2 ** at / 1e6}"} ${count}`)
    }
    lines.push(`sendzc_release_seconds_bucket{le="+Inf"} ${count}`, `sendzc_release_seconds_count ${count}`)
    return `${lines.join('\n')}\n`
  }
}

const metrics = new WriterMetrics()
const body = Buffer.alloc(1024 * 1024, 'body')
const server = net.createServer(async (socket) => {
  const writer = metrics.watch(await openWriter(socket, { backend: auto() }))
  await writer.write(body)
  await writer.close()
  socket.end()
})
const exporter = http.createServer((_request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/plain; version=0.0.4' }).end(metrics.page())
})
await once(server.listen(0, '127.0.0.1'), 'listening')
await once(exporter.listen(0, '127.0.0.1'), 'listening')

// A client, and a scrape, so that this file runs on its own.
const client = net.connect(server.address().port, '127.0.0.1')
let received = 0
client.on('data', (chunk) => {
  received += chunk.length
})
await once(client, 'end')
const scraped = await fetch(`http://127.0.0.1:${exporter.address().port}/metrics`)
console.log(await scraped.text())
server.close()
exporter.close()
exporter.closeAllConnections()
console.log(`received ${received} bytes`)
