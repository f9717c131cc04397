import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SessionView } from '../../src/admin/gateway-view.ts';
import { describeEvent, type FeedEvent } from '../../src/dashboard/event-text.ts';

const at = '2026-06-01T01:00:05.000Z';
const session = {
  id: 's1',
  user: 'alice',
  ipv4: '10.66.0.2',
  ipv6: null,
  remoteAddress: '192.0.2.1:50000',
  upAt: '2026-06-01T00:00:00.000Z',
  rxBytes: 2000,
  txBytes: 3_000_000,
} as SessionView;

describe('an event as a sentence', () => {
  const cases: readonly (readonly [event: FeedEvent, tone: string, title: string, detail: string])[] = [
    [{ at, type: 'session-up', session }, 'good', 'alice connected', '10.66.0.2 from 192.0.2.1:50000'],
    [
      { at, type: 'session-down', session, reason: 'peer-closed', cause: 'User-Request' },
      'quiet',
      'alice disconnected',
      'User-Request (peer-closed) after 1h 0m, 3 MB down, 2 kB up',
    ],
    [
      { at, type: 'refused', reason: 'plain-http', remoteAddress: '192.0.2.7:1' },
      'warning',
      'Connection refused',
      'plain-http, 192.0.2.7:1',
    ],
    [
      {
        at,
        type: 'auth-refused',
        session: 's2',
        user: '',
        method: 'pap',
        reason: 'unknown-user',
        remoteAddress: 'x:1',
      },
      'warning',
      'A client was not let in',
      'unknown-user (pap), x:1',
    ],
    [
      { at, type: 'worker-lost', worker: 3, error: 'out of memory', sessions: 12 },
      'bad',
      'Worker 3 was lost',
      '12 sessions ended: out of memory',
    ],
    [{ at, type: 'worker-ready', worker: 3 }, 'good', 'Worker 3 is ready', ''],
    [
      { at, type: 'reload', ok: true, needsRestart: ['listen'], problems: [] },
      'good',
      'Configuration reloaded',
      'needs a restart: listen',
    ],
    [
      { at, type: 'reload', ok: false, needsRestart: [], problems: ['a:1: b'] },
      'bad',
      'Reload failed, nothing was changed',
      'a:1: b',
    ],
    [
      { at, type: 'suppressed', event: 'refused', reason: 'half-open', count: 812, since: at },
      'warning',
      '812 more connections refused',
      'half-open',
    ],
    [
      {
        at,
        type: 'capture',
        phase: 'started',
        session: 's1',
        user: 'alice',
        by: '192.0.2.9',
        seconds: 60,
        auth: false,
      },
      'warning',
      'Capture of alice started',
      'by 192.0.2.9, without authentication',
    ],
    [
      { at, type: 'capture', phase: 'ended', session: 's1', user: 'alice', by: '192.0.2.9', reason: 'seconds' },
      'warning',
      'Capture of alice ended',
      'by 192.0.2.9: seconds',
    ],
    [{ at, type: 'drain' }, 'warning', 'Draining', 'no new tunnels are taken'],
    [{ at, type: 'missed', count: 7 }, 'warning', '7 events are missing', 'this page was too slow for them'],
  ];
  for (const [event, tone, title, detail] of cases) {
    test(`${event.type}: ${title}`, () => {
      const text = describeEvent(event);
      assert.deepEqual([text.tone, text.title, text.detail], [tone, title, detail]);
    });
  }

  test('only a session that is up is led to', () => {
    assert.equal(describeEvent({ at, type: 'session-up', session }).session, 's1');
    assert.equal(describeEvent({ at, type: 'session-down', session, reason: 'x', cause: 'y' }).session, undefined);
  });

  test('what a newer gateway tells is shown by its name', () => {
    assert.equal(describeEvent({ at, type: 'moon-phase' } as unknown as FeedEvent).title, 'moon-phase');
  });
});
