import { once } from "node:events";
import { connect, createServer } from "node:net";

/** Lets callers who reach this machine at another of its addresses reach the servers on 127.0.0.1, each at its own port. Nobody else can use it. */
export async function startRelay(address: string, ports: readonly number[]): Promise<{ close(): Promise<void> }> {
  const servers = await Promise.all(
    ports.map(async (port) => {
      const server = createServer((caller) => {
        const callee = connect(port, "127.0.0.1");
        caller.pipe(callee).pipe(caller);
        // Whoever goes takes the other along.
        caller.on("error", () => callee.destroy()).on("close", () => callee.destroy());
        callee.on("error", () => caller.destroy()).on("close", () => caller.destroy());
      });
      await once(server.listen(port, address), "listening");
      return server;
    }),
  );
  return { close: async () => void (await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))) };
}
