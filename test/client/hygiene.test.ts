// What a client leaves behind after many tunnels in one process: nothing.
import assert from 'node:assert/strict';
import { createServer, type TLSSocket } from 'node:tls';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createClientRuntime, type ClientRuntime } from '../../src/client/client-runtime.ts';
import { echoRequestLength, emitEchoRequest } from '../../src/client/ping.ts';
import { SstpClient } from '../../src/client/sstp-client.ts';
import { TunnelRefusedError } from '../../src/client/tunnel-refused-error.ts';
import { VIRTIO_HEADER_LENGTH } from '../../src/wire/virtio.ts';
import { GatewayProcess } from '../gateway/gateway-process.ts';
import { TestClient, inParallel } from '../gateway/clients.ts';
import { createSite, PASSWORD, type Site, USER } from '../gateway/site.ts';
import { eventually, sharedCertificate } from '../https/fixture.ts';

const CYCLES = 100;

describe('a process with many tunnels one after the other', () => {
  let site: Site;
  let gateway: GatewayProcess;
  let runtime: ClientRuntime;

  before(async () => {
    site = await createSite();
    gateway = await GatewayProcess.start(site);
    runtime = await createClientRuntime();
  });

  after(async () => {
    await gateway.stop();
    site.remove();
  });

  test(`gets every transmit block back, whether ${CYCLES} tunnels are aborted or ended with packets on their way`, async () => {
    const { signal } = new AbortController();
    const https = { host: 'localhost', port: gateway.port, ca: site.ca, signal };
    await inParallel(CYCLES, 8, async index => {
      const { client } = await TestClient.connect(runtime, { https });
      // One packet in flight and one that waits: the end comes in the same turn.
      queuePing(runtime, client);
      client.flush();
      queuePing(runtime, client);
      assert.ok(runtime.blocks.available <= runtime.path.transmitBlocks - 2);
      if (index % 2 === 0) client.abort();
      else await client.end();
    });
    await eventually(() => runtime.blocks.available === runtime.path.transmitBlocks);
    await eventually(() => sockets() === 0);
  });
});

describe('an interrupted connect', () => {
  test('rejects in every phase, says goodbye once there is a call, and lets go of the signal', async () => {
    const runtime = await createClientRuntime();
    const { cert, key } = await sharedCertificate();
    let received = Buffer.alloc(0);
    const server = createServer({ cert, key }, (socket: TLSSocket) => {
      socket.on('error', () => {});
      socket.on('data', chunk => {
        received = Buffer.concat([received, chunk]);
        if (received.toString('latin1').endsWith('\r\n\r\n')) {
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n');
        }
        // A Call Disconnect Ack for the Call Disconnect, which ends with the status 0.
        if (received.includes(Buffer.from('100100140006', 'hex'))) socket.write(Buffer.from('1001000800070000', 'hex'));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const connect = (signal: AbortSignal): Promise<SstpClient> =>
      SstpClient.connect(
        runtime,
        {
          https: { host: '127.0.0.1', port, ca: cert, signal },
          user: USER,
          password: PASSWORD,
          auth: ['pap'],
          mtu: 1400,
        },
        { receivePacket: () => {}, ended: () => assert.fail('it never was up') },
      );

    await assert.rejects(connect(AbortSignal.abort()), { code: 'aborted' });

    const interruption = new AbortController();
    const refused = assert.rejects(
      connect(interruption.signal),
      (error: unknown) => error instanceof TunnelRefusedError && error.reason === 'terminated',
    );
    await eventually(() => received.includes(Buffer.from('1001000e0001', 'hex')));
    interruption.abort();
    await refused;
    assert.ok(received.includes(Buffer.from('100100140006', 'hex')), 'Call Disconnect');
    server.close();
    await eventually(() => sockets() === 0);
  });

  test('credentials that PPP cannot carry are refused before anything is opened', async () => {
    const runtime = await createClientRuntime();
    const options = { https: { host: '127.0.0.1', port: 1 }, user: 'ü'.repeat(128), password: 'x', mtu: 1400 };
    await assert.rejects(
      SstpClient.connect(runtime, { ...options, auth: ['pap'] }, { receivePacket: () => {}, ended: () => {} }),
      /a user name of 256 bytes has no encoding in PPP/,
    );
  });
});

function queuePing({ path }: ClientRuntime, client: SstpClient): void {
  const { address, gateway } = client.network;
  const at = path.scratchAt + VIRTIO_HEADER_LENGTH;
  const request = { source: address, destination: gateway, identifier: 1, sequence: 1, payloadLength: 1000 };
  emitEchoRequest(path.view, at, request);
  assert.ok(client.queuePacket(at, echoRequestLength(request)));
}

function sockets(): number {
  return process.getActiveResourcesInfo().filter(kind => kind === 'TLSWrap' || kind === 'TCPSocketWrap').length;
}
