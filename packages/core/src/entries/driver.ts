/**
 * For the author of a backend: the interface of a driver, the events of an addon, and the checks that backends share.
 * @packageDocumentation
 */

export * from '../driver/capabilities.js'
export * from '../driver/driver.js'
export { Errno, errnoName } from '../driver/errno.js'
export { EVENT_WORDS, EventDispatcher } from '../driver/event-dispatch.js'
export { loadAddon, unfitForAddons } from '../driver/load-addon.js'
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
} from '../writer/option-reader.js'
export { parseOptions, type ResolvedWriterOptions, writerOptionsSchema } from '../writer/options.js'
