/**
 * For the author of a backend: the interface of a driver, the events of an addon, and the checks that backends share.
 * @packageDocumentation
 */
export { type ChosenBackend, isBackend } from '../open/open-writer.js'
export {
  flag,
  type OptionReader,
  type OptionRecord,
  type OptionSchema,
  oneOf,
  optional,
  record,
  whole,
  withDefault,
} from '../open/option-reader.js'
export { parseOptions, type ResolvedWriterOptions, writerOptionsSchema } from '../open/options.js'
export * from './capabilities.js'
export * from './driver.js'
export { Errno, errnoName } from './errno.js'
export { EVENT_WORDS, EventDispatcher } from './event-dispatch.js'
export { loadAddon, unfitForAddons } from './load-addon.js'
