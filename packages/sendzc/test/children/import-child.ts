// Imports everything, and prints which of Node's own modules were loaded for it.
import * as sendzc from '../../src/index.js'

const loaded = (process as unknown as { moduleLoadList: string[] }).moduleLoadList
console.log(JSON.stringify({ names: Object.keys(sendzc).length, loaded }))
