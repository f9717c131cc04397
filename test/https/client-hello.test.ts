import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, test } from 'node:test';
import { connect, type ConnectionOptions } from 'node:tls';
import { peekClientHello } from '../../src/https/client-hello.ts';
import { eventually, startTcp } from './fixture.ts';

const RECORD_HEADER_LENGTH = 5;

describe('the server name in a ClientHello', () => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`is read from OpenSSL's over ${maxVersion}`, async () => {
      const hello = await clientHello({ maxVersion, servername: 'vpn.example.org' });
      assert.deepEqual(peekClientHello(hello), { kind: 'hello', serverName: 'vpn.example.org' });
      assert.deepEqual(peekClientHello(await clientHello({ maxVersion })), { kind: 'hello', serverName: undefined });
    });
  }

  test('is known when the last byte has come and not before, and what is needed is told', async () => {
    const hello = await clientHello({ servername: 'vpn.example.org' });
    for (let length = 0; length < hello.length; length++) {
      const peek = peekClientHello(hello.subarray(0, length));
      assert.equal(peek.kind, 'more');
      assert.ok(peek.kind === 'more' && peek.needed > length && peek.needed <= hello.length);
    }
  });

  test('in more records than any client makes is left to OpenSSL, whatever is still to come', () => {
    const announced = Buffer.concat([Buffer.from([1, 0, 0x3f, 0xfb]), Buffer.alloc(1021)]);
    assert.equal(peekClientHello(records(announced.subarray(0, 1024), 1)).kind, 'more');
    assert.deepEqual(peekClientHello(records(announced, 1)), { kind: 'hello', serverName: undefined });
  });

  test('is read across records, whatever their lengths', async () => {
    const hello = await clientHello({ servername: 'vpn.example.org' });
    for (const size of [1, 3, 4, 5, 100]) {
      const split = records(hello.subarray(RECORD_HEADER_LENGTH), size);
      assert.deepEqual(peekClientHello(split), { kind: 'hello', serverName: 'vpn.example.org' });
      assert.equal(peekClientHello(split.subarray(0, -1)).kind, 'more');
    }
  });

  test('bytes behind the ClientHello do not matter', async () => {
    const hello = await clientHello({ servername: 'a.example' });
    assert.deepEqual(peekClientHello(Buffer.concat([hello, hello])), { kind: 'hello', serverName: 'a.example' });
  });

  test('what is no ClientHello has no name and waits for nothing', () => {
    const noName = { kind: 'hello', serverName: undefined };
    assert.deepEqual(peekClientHello(Buffer.from('GET / HTTP/1.1\r\n')), noName);
    assert.deepEqual(peekClientHello(Buffer.from('1603010000', 'hex')), noName, 'an empty record');
    assert.deepEqual(peekClientHello(Buffer.from('160301ffff', 'hex')), noName, 'a record beyond the limit');
    assert.deepEqual(peekClientHello(Buffer.from('160301000402000000', 'hex')), noName, 'a ServerHello');
    assert.deepEqual(peekClientHello(Buffer.from('160301000401ffffff', 'hex')), noName, 'a hello beyond the limit');
    assert.deepEqual(peekClientHello(Buffer.from('160301000401000000', 'hex')), noName, 'an empty hello');
  });

  test('damaged hellos never throw and never ask for more than the limits', async () => {
    const hello = await clientHello({ servername: 'vpn.example.org', ALPNProtocols: ['h2', 'http/1.1'] });
    for (let run = 0; run < 20_000; run++) {
      const damaged = Buffer.from(hello);
      for (let edits = 1 + randomInt(4); edits > 0; edits--) damaged[randomInt(damaged.length)] = randomInt(256);
      const peek = peekClientHello(damaged.subarray(0, randomInt(damaged.length + 1)));
      assert.ok(peek.kind === 'hello' || peek.needed <= 64 * 1024);
    }
  });
});

/** What a TLS client of Node sends first. */
async function clientHello(options: ConnectionOptions): Promise<Buffer> {
  const chunks: Buffer[] = [];
  await using server = await startTcp(socket => void socket.on('data', chunk => chunks.push(chunk)));
  const client = connect({ port: server.port, host: '127.0.0.1', ...options });
  client.on('error', () => {});
  await eventually(() => peekClientHello(Buffer.concat(chunks)).kind === 'hello');
  client.destroy();
  return Buffer.concat(chunks);
}

/** The same handshake bytes in records of another size. */
function records(message: Buffer, size: number): Buffer {
  const out: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const payload = message.subarray(at, at + size);
    out.push(Buffer.from([0x16, 3, 1, 0, payload.length]), payload);
  }
  return Buffer.concat(out);
}
