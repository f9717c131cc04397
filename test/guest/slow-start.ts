// A relay that holds back what the server says in the first moments of a connection. sstpc 1.0.18 hangs when its TLS handshake never has to
// wait for the network (it then forgets to read the HTTP response), which a fast gateway next door can make happen every time.
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

const DELAY_MS = 60;
/** Handshake and HTTP are over by then; bulk data is not to be slowed down. */
const DELAYED_FOR_MS = 3000;

const relays = new Map<string, Promise<number>>();

/** @returns the port of a relay to this address, on the same host. It stays until the process ends. */
export function slowStart(host: string, port: number): Promise<number> {
  const key = `${host}:${port}`;
  let relay = relays.get(key);
  if (relay === undefined) relays.set(key, (relay = listen(host, port)));
  return relay;
}

function listen(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true }, client => join(client, connect({ host, port, noDelay: true })));
    server.once('error', reject);
    server.listen(0, host, () => resolve((server.address() as AddressInfo).port));
  });
}

function join(client: Socket, gateway: Socket): void {
  const startedAt = performance.now();
  let heldBack = 0;
  client.pipe(gateway);
  gateway.on('data', chunk => {
    // Nothing overtakes what is still held back.
    if (heldBack > 0 || performance.now() - startedAt < DELAYED_FOR_MS) {
      heldBack++;
      setTimeout(() => {
        heldBack--;
        client.write(chunk);
      }, DELAY_MS);
    } else if (!client.write(chunk)) {
      gateway.pause();
      client.once('drain', () => gateway.resume());
    }
  });
  // An end on one side is an end on the other.
  client.on('error', () => gateway.resetAndDestroy());
  gateway.on('error', () => client.resetAndDestroy());
  gateway.on('end', () => setTimeout(() => client.end(), DELAY_MS * 2));
}
