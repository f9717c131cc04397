import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { pino } from 'pino';
import type { GatewayEvent } from '../../src/admin/gateway-event.ts';
import { EventFeed } from '../../src/supervisor/event-feed.ts';
import { PeerLog } from '../../src/supervisor/peer-log.ts';

type Line = Readonly<Record<string, unknown>>;

describe('the part of the log that peers write', () => {
  test('has a flood as its beginning and a summary each interval, with nothing lost and every line counted', context => {
    const { clock, lines, peerLog } = opened(context);
    const started = Date.now();
    for (let n = 0; n < 1000; n++) peerLog.info('connection refused', 'not-tls', { remoteAddress: '192.0.2.1' });
    peerLog.warn('authentication refused', 'wrong-password', { user: 'alice' });
    assert.equal(lines.length, 21);
    assert.deepEqual(
      [lines[0]!['msg'], lines[0]!['reason'], lines[0]!['remoteAddress'], lines[0]!['level']],
      ['connection refused', 'not-tls', '192.0.2.1', 30],
    );
    assert.equal(lines[20]!['msg'], 'authentication refused');
    clock.advance(29_999);
    assert.equal(lines.length, 21);
    clock.advance(1);
    const { time: _, ...summary } = lines[21]!;
    assert.deepEqual(summary, {
      level: 40,
      line: 'connection refused',
      reason: 'not-tls',
      suppressed: 980,
      since: new Date(started).toISOString(),
      msg: 'lines suppressed',
    });
    clock.advance(300_000);
    assert.equal(lines.length, 22, 'one summary, not one an interval for ever');
    assert.deepEqual(peerLog.suppressed(), { 'connection refused': { 'not-tls': 980 } });
  });

  test('sums up at the end what no interval has summed up', context => {
    const { lines, peerLog } = opened(context);
    for (let n = 0; n < 30; n++) peerLog.info('connection refused', 'not-tls', {});
    peerLog.close();
    assert.equal(lines.at(-1)!['suppressed'], 10);
  });

  test('leaves out nothing that nobody wants to read', context => {
    const { lines, peerLog } = opened(context, 'error');
    for (let n = 0; n < 30; n++) peerLog.warn('authentication refused', 'wrong-password', {});
    peerLog.close();
    assert.deepEqual(lines, []);
    assert.deepEqual(peerLog.suppressed(), {});
  });
});

describe('the feed of events', () => {
  test('has a flood of refusals as its beginning and a sum each second', context => {
    const clock = virtualTime(context);
    const feed = new EventFeed();
    const events: GatewayEvent[] = [];
    for (let n = 0; n < 100; n++) feed.emitOfPeer({ type: 'refused', reason: 'not-tls', remoteAddress: '192.0.2.1' });
    const unlisten = feed.listen(event => void events.push(event));
    for (let n = 0; n < 100; n++) feed.emitOfPeer({ type: 'refused', reason: 'not-tls', remoteAddress: '192.0.2.1' });
    feed.emitOfPeer({ type: 'refused', reason: 'wrong-path', remoteAddress: '192.0.2.1' });
    feed.emit(() => ({ type: 'drain' }));
    assert.equal(events.length, 22, 'what came before somebody listened takes nothing from those who do');
    clock.advance(1_000);
    const summary = events.at(-1)!;
    assert.equal(summary.type, 'suppressed');
    assert.deepEqual([summary.event, summary.reason, summary.count], ['refused', 'not-tls', 80]);
    unlisten();
    feed.close();
  });
});

function opened(context: TestContext, level = 'info') {
  const clock = virtualTime(context);
  const lines: Line[] = [];
  const log = pino({ level, base: null }, { write: line => void lines.push(JSON.parse(line) as Line) });
  return { clock, lines, peerLog: new PeerLog(log) };
}

/** Timers, the calendar and `performance.now` go on only when told. */
function virtualTime(context: TestContext): { advance(ms: number): void } {
  let now = 1_000;
  context.mock.method(performance, 'now', () => now);
  context.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_780_000_000_000 });
  return {
    advance: ms => {
      now += ms;
      context.mock.timers.tick(ms);
    },
  };
}
