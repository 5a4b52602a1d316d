/**
 * `node --import sendzc/register server.js`: every TCP socket of the program sends large chunks without copying them, where the kernel can. Nothing is ever
 * thrown into the program; `NODE_DEBUG=sendzc` and the channels `sendzc:open`, `sendzc:left` and `sendzc:changed` say what is done.
 *
 * In the environment: `SENDZC_VERIFY=1` looks for memory that the program changes too early; `SENDZC_BACKEND` = `uring`, `inline`, `errqueue` or `copy`
 * takes one backend; `SENDZC_MIN_SHARED_BYTES` sets `minSharedBytes`, and `SENDZC_DEMOTE_AFTER_COPIED` sets `demoteAfterCopied`.
 * @packageDocumentation
 */
import { type Backend, zeroCopyEverywhere } from '@sendzc/core'
import { copy, errqueue, inline } from '@sendzc/sendmsg'
import { uring } from '@sendzc/uring'
import { sharingBackend } from './zero-copy.js'

const BACKENDS: Readonly<Record<string, () => Backend>> = { auto: sharingBackend, uring, inline, errqueue, copy }

const { SENDZC_VERIFY, SENDZC_BACKEND, SENDZC_MIN_SHARED_BYTES, SENDZC_DEMOTE_AFTER_COPIED } = process.env

function number(text: string | undefined): number | undefined {
  return text === undefined || text === '' ? undefined : Number(text)
}

try {
  const backend = BACKENDS[SENDZC_BACKEND || 'auto']
  if (backend === undefined) throw new Error(`SENDZC_BACKEND: there are ${Object.keys(BACKENDS).join(', ')}, not ${SENDZC_BACKEND}.`)
  zeroCopyEverywhere({
    backend: backend(),
    verify: SENDZC_VERIFY === '1',
    minSharedBytes: number(SENDZC_MIN_SHARED_BYTES),
    demoteAfterCopied: number(SENDZC_DEMOTE_AFTER_COPIED),
  })
} catch (error) {
  process.emitWarning(`sendzc/register changes nothing: ${error instanceof Error ? error.message : String(error)}`, {
    code: 'ZC_NOT_REGISTERED',
  })
}
