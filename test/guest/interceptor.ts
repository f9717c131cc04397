// A man in the middle whose certificate the client trusts: it ends the client's TLS and opens its own to the gateway. Everything
// inside passes unchanged, so that only the crypto binding can tell.
import { connect, createServer } from 'node:tls';
import type { Server } from 'node:tls';
import { pipeline } from 'node:stream';

export interface Interceptor {
  close(): void;
}

/** Listens on `address` and relays to `target`. */
export async function intercept(
  identity: { readonly cert: string; readonly key: string },
  address: { readonly host: string; readonly port: number },
  target: { readonly host: string; readonly port: number },
): Promise<Interceptor> {
  const server: Server = createServer(identity, client => {
    const gateway = connect({ ...target, rejectUnauthorized: false });
    // An end on one side is an end on the other; which one began is of no interest here.
    pipeline(client, gateway, client, () => {});
  });
  await new Promise<void>((done, failed) => {
    server.once('error', failed);
    server.listen(address.port, address.host, done);
  });
  return { close: () => server.close() };
}
