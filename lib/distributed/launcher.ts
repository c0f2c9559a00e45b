import { createServer } from 'node:net'

/** What a launcher sets for a process, which `placeFromEnvironment()` reads there. */
export function variablesOf(
  rank: number,
  worldSize: number,
  port: number,
  address = '127.0.0.1',
): Record<string, string> {
  return {
    RANK: String(rank),
    WORLD_SIZE: String(worldSize),
    LOCAL_RANK: String(rank),
    MASTER_ADDR: address,
    MASTER_PORT: String(port),
  }
}

/** A port that nobody listens at. */
export function freePort(): Promise<number> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.on('error', reject)
    server.listen(0, () => {
      const { port } = server.address() as { readonly port: number }
      server.close(() => resolve(port))
    })
  })
}
