import { connect, createServer } from 'node:net';
import type { NetConnectOpts } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Below those that the kernel gives to outgoing connections, so that a server may come back to its port. */
const [FIRST, COUNT] = [20_000, 12_000];
const START_LIMIT_MS = 10_000;

/** A TCP port on which nobody listens, at any address. */
export async function freeTcpPort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    const server = createServer();
    const isFree = await new Promise<boolean>(resolve => {
      server.once('error', () => resolve(false));
      server.listen(port, '0.0.0.0', () => resolve(true));
    });
    await new Promise(resolve => server.close(resolve));
    if (isFree) return port;
  }
}

/** Waits until somebody listens; `problem` says why nobody ever will. */
export async function untilListening(place: NetConnectOpts, problem: () => string | undefined): Promise<void> {
  const end = performance.now() + START_LIMIT_MS;
  while (!(await listens(place))) {
    const failure = problem() ?? (performance.now() > end ? 'nobody listens in time' : undefined);
    if (failure !== undefined) throw new Error(failure);
    await sleep(10);
  }
}

function listens(place: NetConnectOpts): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(place);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
