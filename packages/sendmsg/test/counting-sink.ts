// A driver without a writer, for tests that count its wake-ups.
import { type DriverSink, MessageFlag, SendBatch } from '@sendzc/core/driver'

export class CountingSink implements DriverSink {
  sends = 0
  releases = 0
  results: number[] = []
  wakes: number[] = []
  onWake: () => void = () => undefined
  sent(_token: number, result: number): void {
    this.sends++
    this.results.push(result)
  }
  released(): void {
    this.releases++
  }
  wake(bits: number): void {
    this.wakes.push(bits)
    this.onWake()
  }
}

export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate)
}

export function sendOne(driver: { submit(batch: SendBatch): void }, bytes: number, token = 0): void {
  const batch = new SendBatch(1, 1)
  batch.addSegment(new Uint8Array(bytes))
  batch.endMessage(token, 1, MessageFlag.Zerocopy)
  driver.submit(batch)
}
