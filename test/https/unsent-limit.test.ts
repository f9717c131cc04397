import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { SocketOption, socketOption } from '../../src/ffi/libc.ts';
import { openHttps } from '../../src/https/open.ts';
import { limitUnsent, UNSENT_LIMIT } from '../../src/https/unsent-limit.ts';
import { eventually, openTunnel, Recorder, sharedCertificate, startListener } from './fixture.ts';

describe('the limit of unsent bytes', () => {
  test('is on the connections that a listener accepts, beside the listening socket itself', async () => {
    await using server = await startListener();
    const before = limits();
    // The far end is a plain TLS client of Node's, without a limit.
    await openTunnel(server);
    assert.deepEqual(limits(), [...before, UNSENT_LIMIT]);
  });

  test('is on the connections that are opened, and an option of the listener', async () => {
    await using server = await startListener({ unsentLimit: 5000 });
    const before = limits();
    const { cert } = await sharedCertificate();
    await openHttps({ host: '127.0.0.1', port: server.port, ca: cert }, opened => new Recorder(opened));
    await eventually(() => server.accepted[0]);
    assert.deepEqual(limits(), [...before, 5000, UNSENT_LIMIT].toSorted(ascending));
  });

  test('is no matter to a socket that has no descriptor', () => {
    limitUnsent(new Socket());
  });
});

/** The limits of all TCP sockets of this process that have one, ascending. */
function limits(): number[] {
  const found: number[] = [];
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      found.push(socketOption(Number(fd), SocketOption.UnsentLimit));
    } catch {
      // No TCP socket, or the descriptor of the listing itself.
    }
  }
  return found.filter(limit => limit > 0).toSorted(ascending);
}

function ascending(a: number, b: number): number {
  return a - b;
}
