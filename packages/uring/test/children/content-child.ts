import { runContentChild } from '@sendzc/core/conformance'
import { BACKENDS } from './backends.js'

await runContentChild(BACKENDS)
