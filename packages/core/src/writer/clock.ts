/** The clock of submit-to-release times, in ms. Held here, since the global is a getter. */
export const clock = performance
