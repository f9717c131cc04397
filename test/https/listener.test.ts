import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import {
  connectClient,
  eventually,
  makeCertificate,
  openTunnel,
  REQUEST,
  SSTPC_REQUEST,
  startListener,
} from './fixture.ts';

describe('accept', () => {
  for (const keyType of ['rsa', 'ec'] as const) {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      test(`an SSTP request over ${version} with an ${keyType} key appears as a connection with its facts`, async () => {
        const certificate = await makeCertificate({ keyType });
        await using server = await startListener({ certificates: [certificate] });
        const { client, upper } = await openTunnel(server, { maxVersion: version, servername: 'VPN.example' });
        const { connection } = upper;
        assert.equal(connection.remoteAddress, '127.0.0.1');
        assert.equal(connection.remotePort, client.socket.localPort);
        assert.equal(connection.tls.version, version);
        assert.match(connection.tls.cipher, /^TLS_/);
        assert.equal(connection.tls.serverName?.toLowerCase(), 'vpn.example');
        assert.deepEqual(Buffer.from(connection.certificate), certificate.der);
        assert.deepEqual(connection.request, {
          target: '/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/',
          host: 'vpn.example',
          correlationId: '{6F9619FF-8B86-D011-B42D-00C04FC964FF}',
          client: 'other',
        });
        assert.deepEqual(server.refusals, []);
        assert.equal(server.listener.halfOpenCount, 0);
      });
    }
  }

  test('the answer has exactly the header set of the specification and nothing behind it', async () => {
    await using server = await startListener();
    const { client } = await openTunnel(server);
    assert.match(
      client.text(),
      /^HTTP\/1\.1 200 OK\r\nContent-Length: 18446744073709551615\r\nServer: Microsoft-HTTPAPI\/2\.0\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n\r\n$/,
    );
  });

  test('a query behind the target, another case and a wrong Host do not matter', async () => {
    await using server = await startListener();
    const request = REQUEST.replace('458b', '458B')
      .replace('}/ HTTP', '}/?tenantid=blue HTTP')
      .replace('vpn.example', 'x');
    const { upper } = await openTunnel(server, {}, request);
    assert.match(upper.connection.request.target, /\?tenantid=blue$/);
    assert.equal(upper.connection.request.host, 'x');
  });

  test('a request without a correlation id is accepted', async () => {
    await using server = await startListener();
    const { upper } = await openTunnel(server, {}, REQUEST.replace(/SSTPCORRELATIONID.*\r\n/, ''));
    assert.equal(upper.connection.request.correlationId, undefined);
  });

  test('no more is kept of what a client calls itself and the gateway than such a name may have', async () => {
    await using server = await startListener();
    const long = 'a'.repeat(10_000);
    const request = REQUEST.replace('vpn.example', long).replace(
      /(SSTPCORRELATIONID: ).*\r\n/,
      `$1${'b'.repeat(4_000)}\r\n`,
    );
    const { host, correlationId } = (await openTunnel(server, {}, request)).upper.connection.request;
    assert.equal(host, `${'a'.repeat(261)}...`);
    assert.equal(correlationId, `${'b'.repeat(64)}...`);
  });

  test('bytes in one write with the request are the first chunk of the stream', async () => {
    await using server = await startListener();
    const { client, upper } = await openTunnel(server, {}, `${REQUEST}\x10\x01\x00\x0e`);
    assert.equal(upper.text, '\x10\x01\x00\x0e');
    client.socket.write('more');
    await eventually(() => upper.text === '\x10\x01\x00\x0emore');
  });

  test('the request may be cut at every byte', async () => {
    await using server = await startListener();
    const stream = `${REQUEST}SSTP`;
    for (let cut = 1; cut < stream.length; cut++) {
      const client = await connectClient(server.port);
      client.socket.write(stream.slice(0, cut));
      await new Promise(resolve => void setImmediate(resolve));
      client.socket.write(stream.slice(cut));
      const upper = await eventually(() => server.accepted[cut - 1]);
      await eventually(() => upper.text === 'SSTP');
      client.socket.destroy();
    }
    assert.deepEqual(server.refusals, []);
  });

  test('the request may come a byte at a time, each in a TLS record', async () => {
    await using server = await startListener();
    const client = await connectClient(server.port);
    for (const byte of `${REQUEST}ab`) await new Promise(resolve => void client.socket.write(byte, resolve));
    const upper = await eventually(() => server.accepted[0]);
    await eventually(() => upper.text === 'ab');
  });

  test('sstpc is told from Windows by its request', async () => {
    await using server = await startListener();
    const sstpc = await openTunnel(server, {}, SSTPC_REQUEST);
    const windows = await openTunnel(server, {}, REQUEST);
    assert.equal(sstpc.upper.connection.request.client, 'sstpc');
    assert.equal(windows.upper.connection.request.client, 'other');
  });

  test('each TLS handshake is told of when it begins, and nothing else is', async () => {
    await using server = await startListener();
    const silent = connect(server.port, '127.0.0.1');
    await once(silent, 'connect');
    for (let count = 1; count <= 3; count++) {
      await connectClient(server.port);
      assert.equal(server.handshakes.begun, count);
    }
    await openTunnel(server);
    assert.equal(server.handshakes.begun, 4);
    silent.destroy();
  });

  test('of the protocols that a client offers, h2 is never selected', async () => {
    await using server = await startListener();
    const { client } = await openTunnel(server, { ALPNProtocols: ['h2', 'http/1.1'] });
    assert.equal(client.socket.alpnProtocol, 'http/1.1');
    const plain = await openTunnel(server);
    assert.equal(plain.client.socket.alpnProtocol, false);
  });

  test('a listener serves several addresses, and two listeners share one', async () => {
    await using first = await startListener({
      addresses: [
        { host: '127.0.0.1', port: 0 },
        { host: '::1', port: 0 },
      ],
    });
    const [, v6] = first.listener.addresses;
    const overV6 = await connectClient(v6?.port ?? 0, { host: '::1' });
    overV6.socket.write(REQUEST);
    const upper = await eventually(() => first.accepted[0]);
    assert.equal(upper.connection.remoteAddress, '::1');
    await using second = await startListener({ addresses: [{ host: '127.0.0.1', port: first.port }] });
    assert.equal(second.port, first.port);
  });

  test('an address that cannot be bound rejects with the system error, and nothing stays bound', async () => {
    await assert.rejects(
      startListener({
        addresses: [
          { host: '127.0.0.1', port: 0 },
          { host: '192.0.2.1', port: 0 },
        ],
      }),
      { code: 'EADDRNOTAVAIL' },
    );
  });
});

describe('send', () => {
  test('written is called in order, when the bytes are with the kernel', async () => {
    await using server = await startListener();
    const { client, upper } = await openTunnel(server);
    const order: number[] = [];
    for (let i = 0; i < 5; i++) upper.connection.send(Buffer.from(`packet ${i}`), () => order.push(i));
    assert.ok(upper.connection.bytesQueued > 0);
    await eventually(() => client.text().includes('packet 4'));
    await eventually(() => order.length === 5);
    assert.deepEqual(order, [0, 1, 2, 3, 4]);
    assert.equal(upper.connection.bytesQueued, 0);
  });

  test('a peer that does not read shows as bytes queued, and written waits', async () => {
    await using server = await startListener();
    const { client, upper } = await openTunnel(server);
    client.socket.pause();
    let written = 0;
    const block = Buffer.alloc(1 << 20);
    for (let i = 0; i < 32; i++) upper.connection.send(block, () => written++);
    await new Promise(resolve => void setTimeout(resolve, 50));
    assert.ok(written < 32);
    assert.ok(upper.connection.bytesQueued >= block.length);
    client.socket.resume();
    await eventually(() => written === 32);
  });
});
