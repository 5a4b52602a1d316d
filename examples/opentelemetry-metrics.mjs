// stats() of every writer as OpenTelemetry metrics. A program's own exporter takes the place of the one that prints.
import { once } from 'node:events'
import net from 'node:net'
import { metrics } from '@opentelemetry/api'
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { auto, openWriter } from 'sendzc'

const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000 })
const provider = new MeterProvider({ readers: [reader] })
metrics.setGlobalMeterProvider(provider)

const meter = metrics.getMeter('sendzc')
const sentBytes = meter.createObservableCounter('sendzc.sent', { unit: 'By', description: 'Bytes sent' })
const zerocopySends = meter.createObservableCounter('sendzc.sends.zerocopy', {
  description: 'Messages sent from the memory of this process',
})
const copiedSends = meter.createObservableCounter('sendzc.sends.copied', { description: 'Messages copied, by cause' })
const inFlight = meter.createObservableUpDownCounter('sendzc.in_flight', { unit: 'By', description: 'Bytes sent and not yet released' })

const openWriters = new Set()
/** What closed writers counted: a counter must not fall. */
const closed = { bytesSent: 0, zerocopySends: 0, copies: {}, bytesInFlight: 0 }

function add(sums, stats) {
  sums.bytesSent += stats.bytesSent
  sums.zerocopySends += stats.zerocopySends
  sums.bytesInFlight += stats.bytesInFlight
  for (const [cause, count] of Object.entries(stats.copies)) sums.copies[cause] = (sums.copies[cause] ?? 0) + count
}

function watch(writer) {
  openWriters.add(writer)
  const retire = () => {
    if (openWriters.delete(writer)) add(closed, { ...writer.stats(), bytesInFlight: 0 })
  }
  // After `ended` nothing more is written; close() then waits for the last release.
  writer.ended.then(() => writer.close()).then(retire, retire)
  return writer
}

meter.addBatchObservableCallback(
  (result) => {
    const sums = structuredClone(closed)
    for (const writer of openWriters) add(sums, writer.stats())
    result.observe(sentBytes, sums.bytesSent)
    result.observe(zerocopySends, sums.zerocopySends)
    result.observe(inFlight, sums.bytesInFlight)
    for (const [cause, count] of Object.entries(sums.copies)) result.observe(copiedSends, count, { cause })
  },
  [sentBytes, zerocopySends, copiedSends, inFlight],
)

const server = net.createServer(async (socket) => {
  const writer = watch(await openWriter(socket, { backend: auto() }))
  await writer.write(Buffer.alloc(1024 * 1024, 'body'))
  await writer.close()
  socket.end()
})
await once(server.listen(0, '127.0.0.1'), 'listening')

// A client, and an export, so that this file runs on its own.
const client = net.connect(server.address().port, '127.0.0.1')
let received = 0
client.on('data', (chunk) => {
  received += chunk.length
})
await once(client, 'end')
server.close()
await reader.forceFlush()
for (const { scopeMetrics } of exporter.getMetrics()) {
  for (const { descriptor, dataPoints } of scopeMetrics.flatMap((scope) => scope.metrics)) {
    for (const { value, attributes } of dataPoints) console.log(descriptor.name, value, JSON.stringify(attributes))
  }
}
await provider.shutdown()
console.log(`received ${received} bytes`)
