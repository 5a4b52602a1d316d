import assert from 'node:assert/strict'
import { broadcast } from '../../src/broadcast.js'
import { bounded, quietTurns } from '../bounded.js'
import { assertContent, content, POISON } from '../content.js'
import type { ContractPromise } from '../contract.js'

export const broadcasts: ContractPromise = {
  name: 'broadcast',
  says: 'one piece of memory goes to many writers, and is free when all have let go of it',
  cases: [
    {
      name: 'every peer gets all of it, also a slow one, though it is overwritten at the release',
      kinds: ['stream'],
      run: async (trial) => {
        const pairs = await Promise.all(Array.from({ length: 5 }, () => trial.pair()))
        const writers = await Promise.all(pairs.map((pair) => trial.writer(pair)))
        const bytes = (pairs[0] as (typeof pairs)[0]).stallBytes
        const buffer = content(bytes)
        const [slow] = pairs as [(typeof pairs)[0]]
        slow.peer.pause()
        const { writes, settled, released } = broadcast(writers, buffer)
        let isReleased = false
        const outcome = released.then((value) => {
          isReleased = true
          buffer.fill(POISON)
          return value
        })
        await bounded(Promise.all(writes.slice(1)), 'the writes to the peers that read')
        for (const { peer } of pairs.slice(1)) assertContent(await peer.read(bytes), 0, 'stream')
        await quietTurns()
        assert.equal(isReleased, false, 'released while a peer has not read')
        slow.peer.resume()
        assertContent(await slow.peer.read(bytes), 0, 'the slow stream')
        assert.ok(trial.expectOutcomes.includes((await bounded(outcome, 'release')) as never))
        assert.deepEqual(
          (await settled).map(({ status }) => status),
          pairs.map(() => 'fulfilled'),
        )
      },
    },
    {
      name: 'a writer that fails harms no other',
      run: async (trial) => {
        const pairs = await Promise.all([trial.pair(), trial.pair(), trial.pair()])
        const [first, second, third] = await Promise.all(pairs.map((pair) => trial.writer(pair)))
        assert.ok(first !== undefined && second !== undefined && third !== undefined)
        await second.close()
        const { writes, settled, released } = broadcast([first, second, third], content(20_000))
        for (const { peer } of [pairs[0], pairs[2]]) {
          assertContent(trial.kind === 'stream' ? await peer.read(20_000) : await peer.readDatagram(), 0, 'the data')
        }
        const results = await bounded(settled, 'the end of the writes')
        assert.deepEqual(
          results.map((result) => (result.status === 'fulfilled' ? result.value.bytes : result.reason.code)),
          [20_000, 'ERR_ZC_CLOSED', 20_000],
        )
        assert.equal(writes.length, 3)
        assert.notEqual(await bounded(released, 'release'), 'abandoned')
      },
    },
    {
      name: 'to nobody it is sent at once',
      run: async () => {
        const { settled, released } = broadcast([], content(10))
        assert.deepEqual([await settled, await released], [[], 'copied'])
      },
    },
  ],
}
