// Captures on the main thread; the test is the worker at the other end of their ports.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { MessagePort } from 'node:worker_threads';
import { pino } from 'pino';
import type { ByteStream } from '../../src/admin/byte-stream.ts';
import type { GatewayEvent } from '../../src/admin/gateway-event.ts';
import { Captures } from '../../src/supervisor/captures.ts';
import { EventFeed } from '../../src/supervisor/event-feed.ts';
import { type SessionRow, SessionTable } from '../../src/supervisor/session-table.ts';
import type { CapturePlan, FromCapture, SessionId, ToCapture } from '../../src/worker/messages.ts';
import { readPcapng } from '../wire/pcapng-file.ts';

const OPTIONS = { seconds: 9, bytes: 10_000, packets: undefined, snaplen: undefined, auth: false };
const BY = '192.0.2.9';

describe('captures', () => {
  let captures: Captures;
  let table: SessionTable;
  let begun: { readonly session: SessionId; readonly plan: CapturePlan; readonly port: MessagePort }[];
  let events: GatewayEvent[];
  let logged: Record<string, unknown>[];

  beforeEach(() => {
    begun = [];
    events = [];
    logged = [];
    table = new SessionTable();
    for (let id = 1; id <= 9; id++) table.add(row(id));
    const feed = new EventFeed();
    feed.listen(event => events.push(event));
    captures = new Captures({
      version: '1.2.3',
      node: 'gw1',
      log: pino({}, { write: (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>) }),
      feed,
      table,
      post: (worker, message) => {
        assert.equal(worker, 3);
        assert.equal(message.kind, 'capture');
        if (message.kind !== 'capture') return;
        begun.push(message);
        // A worker's thread lives as long as it waits for messages; this one is also the main thread.
        message.port.ref();
      },
    });
  });

  afterEach(() => {
    for (const { port } of begun) port.close();
  });

  const start = (id = 's1'): ByteStream => {
    const stream = captures.start(id, OPTIONS, BY);
    assert.ok(typeof stream !== 'string');
    return stream;
  };

  test('begin with what the session is, without the name of its user', async () => {
    const head = readPcapng((await start().read())!);
    assert.match(
      head.comment!,
      /^session s1 of gw1, from \[2001:db8::1\]:1111\nTLSv1\.3 X, connected at .*, negotiating\n.*blanked$/,
    );
    assert.doesNotMatch(head.comment!, /alice/);
    assert.deepEqual([head.application, head.interfaceName], ['sstp-gateway 1.2.3', 'sstp s1']);
    const { plan, session } = begun[0]!;
    assert.equal(session, 1);
    assert.ok(plan.bytes > 9_000 && plan.bytes < 10_000, 'room for the blocks around the frames');
    assert.deepEqual([plan.seconds, plan.frames, plan.snapLength, plan.authentication], [9, Infinity, 0, false]);
  });

  test('tell the worker of each part when it has been passed on, and end with the counts', async () => {
    const stream = start();
    const head = await stream.read();
    const { port } = begun[0]!;
    const heard: ToCapture[] = [];
    port.on('message', (message: ToCapture) => heard.push(message));
    for (const value of [1, 2]) say(port, { kind: 'part', bytes: Uint8Array.of(value) });
    assert.deepEqual(await stream.read(), Uint8Array.of(1));
    await turn();
    assert.deepEqual(heard, [], 'the head is none of its parts, and the first one is being read');
    assert.deepEqual(await stream.read(), Uint8Array.of(2));
    await turn();
    assert.deepEqual(heard, [{ kind: 'taken' }]);
    say(port, { kind: 'ended', reason: 'packets', start: 1, end: 2, received: 7, dropped: 3 });
    const { statistics } = readPcapng(Buffer.concat([head!, (await stream.read())!]));
    assert.deepEqual(statistics, { start: 1, end: 2, received: 7, dropped: 3, comment: 'ended: packets' });
    assert.equal(captures.start('s1', OPTIONS, BY), 'already-captured', 'until it is read to its end');
    assert.equal(await stream.read(), undefined);
    start();
  });

  test('end with a worker that is lost, after what it had said', async () => {
    const stream = start();
    await stream.read();
    const { port } = begun[0]!;
    say(port, { kind: 'part', bytes: Uint8Array.of(1) });
    port.close();
    assert.deepEqual(await stream.read(), Uint8Array.of(1));
    assert.equal(await stream.read(), undefined);
    start();
  });

  test('close the port when the reader leaves, whether it waits or not', async () => {
    for (const waits of [false, true]) {
      const stream = start();
      await stream.read();
      const closed = once(begun.at(-1)!.port, 'close');
      const reading = waits ? stream.read() : undefined;
      stream.cancel();
      stream.cancel();
      await closed;
      assert.equal(await reading, undefined);
    }
    const ends = logged.filter(({ msg }) => msg === 'capture ended');
    assert.deepEqual(
      ends.map(({ reason, by }) => [reason, by]),
      [
        ['reader-gone', BY],
        ['reader-gone', BY],
      ],
    );
  });

  test('are one for each session and eight in all', () => {
    const streams = [1, 2, 3, 4, 5, 6, 7, 8].map(id => start(`s${id}`));
    assert.equal(captures.start('s9', OPTIONS, BY), 'too-many-captures');
    assert.equal(captures.start('s8', OPTIONS, BY), 'already-captured');
    assert.equal(captures.start('s10', OPTIONS, BY), 'no-such-session');
    streams[0]!.cancel();
    streams.push(start('s9'));
    for (const stream of streams) stream.cancel();
  });

  test('are told to stop, and told of in log and events', async () => {
    const stream = start();
    const { port } = begun[0]!;
    assert.equal(captures.stop('s2'), false);
    assert.equal(captures.stop('s1'), true);
    assert.deepEqual(await once(port, 'message'), [{ kind: 'stop' }]);
    say(port, { kind: 'ended', reason: 'stopped', start: 1, end: 2, received: 5, dropped: 1 });
    while ((await stream.read()) !== undefined);
    const facts = { type: 'capture', session: 's1', user: 'alice', by: BY };
    const at = events.map(event => event.at);
    assert.deepEqual(events, [
      { at: at[0], ...facts, phase: 'started', seconds: 9, auth: false },
      { at: at[1], ...facts, phase: 'ended', reason: 'stopped', packets: 4, dropped: 1 },
    ]);
    assert.deepEqual(
      logged.map(({ level, msg, by, session }) => [level, msg, by, session]),
      [
        [30, 'capture started', BY, 's1'],
        [30, 'capture ended', BY, 's1'],
      ],
    );
  });
});

function say(port: MessagePort, message: FromCapture): void {
  port.postMessage(message);
}

/** Messages that are on their way arrive. */
async function turn(): Promise<void> {
  for (let count = 0; count < 5; count++) await new Promise(resolve => setImmediate(resolve));
}

/** What a capture looks at. */
function row(id: number): SessionRow {
  return {
    id: id as SessionId,
    publicId: `s${id}`,
    worker: 3,
    remoteAddress: '2001:db8::1',
    remotePort: 1111,
    tls: { version: 'TLSv1.3', cipher: 'X' },
    connectedAt: Date.now(),
    state: 'negotiating',
    user: 'alice',
  } as SessionRow;
}
