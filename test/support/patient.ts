// For mocha's --require: every test and hook may take a quarter of an hour, whatever limit it names. Sanitizers
// slow a command's start down to many seconds, and the limits are meant for a run without them.
import Mocha from 'mocha'

const LEAST = 900_000

for (const { prototype } of [Mocha.Suite, Mocha.Runnable]) {
  const timeout = prototype.timeout as (this: unknown, limit?: number | string) => unknown
  prototype.timeout = function (this: unknown, limit?: number | string) {
    if (limit === undefined) return timeout.call(this)
    return timeout.call(this, typeof limit === 'number' ? Math.max(limit, LEAST) : LEAST)
  } as typeof prototype.timeout
}
