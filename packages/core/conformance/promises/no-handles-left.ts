import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { quietTurns, until } from '../bounded.js'
import { content } from '../content.js'
import type { ContractPromise } from '../contract.js'
import type { Trial } from '../trial.js'

const DESCRIPTORS = '/proc/self/fd'
const ROUNDS = 6

/** What keeps the event loop alive, by kind; immediates are how this file waits. */
function activeResources(): Map<string, number> {
  const counts = new Map<string, number>()
  for (const resource of process.getActiveResourcesInfo()) {
    if (resource !== 'Immediate') counts.set(resource, (counts.get(resource) ?? 0) + 1)
  }
  return counts
}

function descriptors(): number {
  return existsSync(DESCRIPTORS) ? readdirSync(DESCRIPTORS).length : 0
}

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
  // What is made once and kept, such as a ring for the whole environment, is made here.
  await oneLife(trial, end)
  await quietTurns()
  const resources = activeResources()
  const open = descriptors()
  for (let round = 0; round < ROUNDS; round++) await oneLife(trial, end)
  const grown = (): string[] =>
    [...activeResources()].filter(([kind, count]) => count > (resources.get(kind) ?? 0)).map(([kind, count]) => `${kind}: ${count}`)
  await until(() => grown().length === 0 && descriptors() <= open, 'end of every handle').catch((error: unknown) => {
    assert.fail(`left open: ${grown().join(', ')}; ${descriptors() - open} descriptors more (${String(error)})`)
  })
}

export const noHandlesLeft: ContractPromise = {
  name: 'no-handles-left',
  says: 'a writer that ended leaves no handle, no timer and no descriptor: the event loop is free',
  cases: [
    { name: 'after close', run: (trial) => assertNothingLeft(trial, 'close') },
    { name: 'after abort', run: (trial) => assertNothingLeft(trial, 'abort') },
  ],
}
