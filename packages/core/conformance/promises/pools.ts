import assert from 'node:assert/strict'
import { BufferPool } from '../../src/buffer-pool.js'
import { bounded } from '../bounded.js'
import { assertContent, fillContent } from '../content.js'
import type { ContractPromise } from '../contract.js'

const CHUNK_BYTES = 20_000
const CHUNKS = 4
const ROUNDS = 60

export const pools: ContractPromise = {
  name: 'buffer-pool',
  says: 'a chunk of a pool is handed out again once its write is released, and no sooner',
  cases: [
    {
      name: 'a few chunks carry many writes',
      run: async (trial) => {
        const { pair, writer } = await trial.start()
        const pool = new BufferPool({
          memory: new ArrayBuffer(CHUNKS * CHUNK_BYTES),
          bytes: CHUNK_BYTES,
          strideBytes: CHUNK_BYTES,
          count: CHUNKS,
          pages: 'small',
          acquireTimeoutMs: 5_000,
          maxWaiting: 1,
        })
        const reading = trial.kind === 'stream' ? pair.peer.read(CHUNK_BYTES * ROUNDS) : undefined
        for (let round = 0; round < ROUNDS; round++) {
          const chunk = await bounded(pool.acquire(), 'a free chunk')
          fillContent(chunk, round * CHUNK_BYTES)
          await pool.write(writer, chunk)
          // A datagram that nobody reads is lost.
          if (reading === undefined) assertContent(await pair.peer.readDatagram(), round * CHUNK_BYTES, 'datagram')
        }
        if (reading !== undefined) assertContent(await reading, 0, 'stream')
        await writer.close()
        assert.deepEqual([pool.available, pool.abandoned], [CHUNKS, 0])
      },
    },
  ],
}
