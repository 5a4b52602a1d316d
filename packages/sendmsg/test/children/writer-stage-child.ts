import { runWriterStage } from '@sendzc/core/conformance'
import { BACKENDS } from './backends.js'

await runWriterStage(BACKENDS)
