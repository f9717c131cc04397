import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SendWindow } from '../../src/https/send-window.ts';
import { openTunnel, startListener } from './fixture.ts';

/** Bytes per millisecond: 50 Mbit/s. */
const LINE = 6250;
/** A packet of 1400 bytes with its headers. */
const LEAST = 1500;

describe('the window of a connection', () => {
  test('is a few milliseconds of what it sends, less what waits', () => {
    const sending = { rate: LINE, unsent: 0 };
    const window = new SendWindow(() => sending);
    const room = window.measure(LEAST);
    assert.ok(room > 2 * LINE && room < 5 * LINE, `${room}`);
    sending.unsent = 10_000;
    assert.ok(Math.abs(window.measure(LEAST) - (room - 10_000)) < 1);
  });

  test('when it is full, the wait is until about half of it has gone', () => {
    const sending = { rate: LINE, unsent: 0 };
    const window = new SendWindow(() => sending);
    sending.unsent = window.measure(LEAST);
    assert.equal(window.measure(LEAST), 0);
    const left = sending.unsent - window.waitMs * LINE;
    assert.ok(left > 0.4 * sending.unsent && left < 0.6 * sending.unsent, `${left}`);
  });

  test('has room for some packets however slow the connection is, and is looked at soon again', () => {
    const sending = { rate: 1, unsent: 0 };
    const window = new SendWindow(() => sending);
    assert.ok(window.measure(LEAST) > 4096);
    sending.unsent = 50_000;
    assert.equal(window.measure(LEAST), 0);
    assert.ok(window.waitMs <= 10);
  });

  test('is larger for a gateway that came back too late, and small again when it does not', () => {
    const sending = { rate: LINE / 3, unsent: 0 };
    const window = new SendWindow(() => sending);
    const first = window.measure(LEAST);
    for (let times = 0; times < 10; times++) {
      sending.unsent = 1e6;
      assert.equal(window.measure(LEAST), 0, 'full');
      sending.unsent = 0;
      window.measure(LEAST);
    }
    const grown = window.measure(LEAST);
    assert.ok(grown > 2 * first, `${grown}, ${first} at first`);
    for (let times = 0; times < 200; times++) window.measure(LEAST);
    assert.equal(window.measure(LEAST), first);
  });

  test('is full for who cannot use what room is left, and is enlarged then too when the kernel runs dry', () => {
    const sending = { rate: 1000, unsent: 0 };
    const window = new SendWindow(() => sending);
    const first = window.measure(LEAST);
    for (let times = 0; times < 10; times++) {
      sending.unsent = window.measure(LEAST) - 700;
      assert.ok(window.measure(LEAST) < LEAST, 'full');
      sending.unsent = 0;
      window.measure(LEAST);
    }
    assert.ok(window.measure(LEAST) > 2 * first);
  });

  test('is looked at ever more seldom while nothing leaves the kernel, and as before when something does', () => {
    const sending = { rate: LINE, unsent: 50_000 };
    const window = new SendWindow(() => sending);
    const waits = Array.from({ length: 16 }, () => {
      assert.equal(window.measure(LEAST), 0);
      return window.waitMs;
    });
    assert.deepEqual(
      waits.toSorted((a, b) => a - b),
      waits,
    );
    assert.ok(waits[0]! <= 10 && waits[3] === waits[0]);
    assert.equal(waits.at(-1), 100);
    sending.unsent = 49_000;
    window.measure(LEAST);
    assert.ok(window.waitMs <= 10);
  });

  test('an empty kernel alone does not enlarge it: there may have been nothing to send', () => {
    const window = new SendWindow(() => ({ rate: LINE, unsent: 0 }));
    const first = window.measure(LEAST);
    for (let times = 0; times < 10; times++) assert.equal(window.measure(LEAST), first);
  });

  test('does not limit a fast connection, nor one that says nothing of itself', () => {
    assert.equal(new SendWindow(() => ({ rate: 100_000, unsent: 50_000 })).measure(LEAST), Number.POSITIVE_INFINITY);
    assert.equal(new SendWindow(() => ({ rate: 0, unsent: 50_000 })).measure(LEAST), Number.POSITIVE_INFINITY);
    assert.equal(new SendWindow(() => undefined).measure(LEAST), Number.POSITIVE_INFINITY);
  });

  test('can be asked of a connection at any time, also when that is gone', async () => {
    await using server = await startListener();
    const { accepted } = server;
    await openTunnel(server);
    const { connection } = accepted[0]!;
    assert.ok(connection.window.measure(LEAST) > 0);
    connection.abort();
    assert.equal(connection.window.measure(LEAST), Number.POSITIVE_INFINITY);
  });
});
