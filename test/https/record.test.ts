import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import {
  connectClient,
  eventually,
  openTunnel,
  Recorder,
  REQUEST,
  startListener,
  startTcp,
  type TestListener,
} from './fixture.ts';

const APPLICATION_DATA = 23;
const RECORD_HEADER_LENGTH = 5;

describe('TLS records on the wire', () => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`over ${maxVersion} the HTTP answer is one record, also when the upper sends right behind it`, async () => {
      await using server = await startListener({
        makeUpper: connection => new Echo(connection),
      });
      await using wire = await watch(server);
      const client = await connectClient(wire.port, { maxVersion });
      await settled(wire);
      const before = wire.records.length;
      client.socket.write(`${REQUEST}ping`);
      await eventually(() => client.text().endsWith('ping'));
      const overhead = maxVersion === 'TLSv1.3' ? 17 : 24;
      const answer = client.text().length - 'ping'.length;
      assert.deepEqual(wire.records.slice(before), [answer + overhead, 'ping'.length + overhead]);
    });

    test(`over ${maxVersion} sends of one turn are merged, but not with one packet per record`, async () => {
      await using server = await startListener();
      await using wire = await watch(server);
      const { client, upper } = await openTunnel({ ...server, port: wire.port }, { maxVersion });
      await settled(wire);

      let before = wire.records.length;
      for (let i = 0; i < 20; i++) upper.connection.send(Buffer.from(`m${String(i).padStart(2, '0')}`));
      await eventually(() => client.text().endsWith('m19'));
      assert.equal(wire.records.length - before, 2);

      upper.connection.setOnePacketPerRecord();
      before = wire.records.length;
      const order: number[] = [];
      for (let i = 0; i < 20; i++) {
        upper.connection.send(Buffer.from(`s${String(i).padStart(2, '0')}`), () => order.push(i));
      }
      await eventually(() => client.text().endsWith('s19'));
      assert.equal(wire.records.length - before, 20);
      await eventually(() => order.length === 20);
      assert.deepEqual(
        order,
        Array.from({ length: 20 }, (_, i) => i),
      );
    });
  }

  test('one packet per record holds when it is set while sends are queued', async () => {
    await using server = await startListener();
    await using wire = await watch(server);
    const { client, upper } = await openTunnel({ ...server, port: wire.port }, { maxVersion: 'TLSv1.2' });
    const before = wire.records.length;
    for (let i = 0; i < 5; i++) upper.connection.send(Buffer.from('a'));
    upper.connection.setOnePacketPerRecord();
    for (let i = 0; i < 5; i++) upper.connection.send(Buffer.from('b'));
    await eventually(() => client.text().endsWith('bbbbb'));
    assert.equal(wire.records.length - before, 10);
  });
});

class Echo extends Recorder {
  override receive(chunk: Uint8Array): void {
    this.connection.send(chunk);
  }
}

interface Wire extends AsyncDisposable {
  readonly port: number;
  /** Lengths of the application data records from the server. */
  readonly records: readonly number[];
}

/** A TCP relay in front of a listener that cuts the server's bytes into TLS records. */
async function watch(server: TestListener): Promise<Wire> {
  const records: number[] = [];
  let pending = Buffer.alloc(0);
  const relay = await startTcp(near => {
    const far = connect({ port: server.port, host: '127.0.0.1', noDelay: true });
    near.setNoDelay(true);
    far.on('error', () => {});
    far.on('data', chunk => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= RECORD_HEADER_LENGTH) {
        const length = pending.readUInt16BE(3);
        if (pending.length < RECORD_HEADER_LENGTH + length) break;
        if (pending[0] === APPLICATION_DATA) records.push(length);
        pending = pending.subarray(RECORD_HEADER_LENGTH + length);
      }
    });
    near.pipe(far).pipe(near);
  });
  return { port: relay.port, records, [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose]() };
}

/** TLS 1.3 sends session tickets behind the handshake: waits until no record has come for a while. */
async function settled(wire: Wire): Promise<void> {
  for (let seen = -1; seen !== wire.records.length;) {
    seen = wire.records.length;
    await new Promise(resolve => void setTimeout(resolve, 30));
  }
}
