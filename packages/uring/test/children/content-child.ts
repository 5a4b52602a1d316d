import { runContentChild } from '@sendzc/core/fixtures'
import { BACKENDS } from './backends.js'

await runContentChild(BACKENDS)
