import assert from 'node:assert/strict'
import { quietTurns } from '../bounded.js'
import { content } from '../content.js'
import type { ContractPromise } from '../contract.js'
import { activeResources, descriptorCount, descriptorsGrown, resourcesGrown } from '../open-handles.js'
import type { Trial } from '../trial.js'

const ROUNDS = 6

/** Opens, uses and ends one writer. */
async function oneLife(trial: Trial, end: 'close' | 'abort'): Promise<void> {
  const pair = await trial.pair()
  const writer = await trial.writer(pair)
  const { released } = await writer.write(content(20_000))
  if (trial.kind === 'stream') await pair.peer.read(20_000)
  else await pair.peer.readDatagram()
  await released
  if (end === 'close') await writer.close()
  else await writer.abort()
  await trial.dispose()
}

async function assertNothingLeft(trial: Trial, end: 'close' | 'abort'): Promise<void> {
  // This run makes objects that stay for the life of the process, such as a ring for the whole environment.
  await oneLife(trial, end)
  await quietTurns()
  const resources = activeResources()
  const open = descriptorCount()
  for (let round = 0; round < ROUNDS; round++) await oneLife(trial, end)
  assert.deepEqual(await resourcesGrown(resources), [], 'left open')
  assert.equal(await descriptorsGrown(open), 0, 'descriptors left open')
}

export const noHandlesLeft: ContractPromise = {
  name: 'no-handles-left',
  says: 'a writer that ended leaves no handle, no timer and no descriptor: the event loop is free',
  cases: [
    { name: 'after close', run: (trial) => assertNothingLeft(trial, 'close') },
    { name: 'after abort', run: (trial) => assertNothingLeft(trial, 'abort') },
  ],
}
