import assert from 'node:assert/strict'
import type { ContractPromise } from '../contract.js'

export const probe: ContractPromise = {
  name: 'probe',
  says: 'probe never throws, and says what works here and, if not, why',
  cases: [
    {
      name: 'names the backend, gives a reason, and every check says what it found',
      run: async (trial) => {
        const backend = trial.backend()
        const capability = backend.probe()
        assert.equal(capability.backend, backend.name)
        assert.equal(typeof capability.available, 'boolean')
        assert.ok(capability.reason.length > 0, 'no reason')
        if (!capability.available)
          assert.ok(capability.remedy !== undefined && capability.remedy.length > 0, 'unavailable without a remedy')
        for (const check of capability.checks) {
          assert.equal(typeof check.ok, 'boolean')
          assert.ok(check.name.length > 0 && check.found.length > 0, `check ${JSON.stringify(check)}`)
        }
      },
    },
    {
      name: 'an available backend opens, and a second probe says the same',
      run: async (trial) => {
        const backend = trial.backend()
        const { available } = backend.probe()
        assert.equal(available, true, 'the suite runs on a backend that says it is not available')
        const { writer } = await trial.start()
        assert.equal(writer.backend, backend.name)
        assert.ok(writer.choice.length > 0, 'the writer does not say why this backend was chosen')
        assert.equal(backend.probe().available, available)
      },
    },
  ],
}
