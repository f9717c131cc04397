import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SessionLimits } from '../../src/worker/session-limits.ts';
import type { SessionPolicy } from '../../src/worker/messages.ts';

const NONE: SessionPolicy = { sessionTimeoutMs: undefined, idleTimeoutMs: undefined, rate: undefined };

function limited(policy: Partial<SessionPolicy>): SessionLimits {
  const limits = new SessionLimits();
  limits.change({ ...NONE, ...policy }, 0);
  return limits;
}

/** Asks at every deadline, as the worker does, until the session has expired or `end` has come. */
function run(limits: SessionLimits, packetsAt: (now: number) => number, end: number) {
  for (;;) {
    const now = limits.deadline;
    if (now > end) return undefined;
    const reason = limits.expired(now, packetsAt(now));
    if (reason !== undefined) return { reason, now };
  }
}

describe('time limits of a session', () => {
  test('without limits there is never a deadline', () => {
    const limits = new SessionLimits();
    limits.start(1000);
    assert.equal(limits.deadline, Infinity);
  });

  test('nothing counts before the session is up', () => {
    const limits = limited({ sessionTimeoutMs: 10, idleTimeoutMs: 10 });
    assert.equal(limits.deadline, Infinity);
    assert.equal(limits.expired(1e9, 0), undefined);
  });

  test('the session ends when its time is over, traffic or not', () => {
    const limits = limited({ sessionTimeoutMs: 60_000 });
    limits.start(1000);
    assert.deepEqual(
      run(limits, now => now, Infinity),
      { reason: 'session-timeout', now: 61_000 },
    );
  });

  test('a session that never carried a packet ends after its idle time', () => {
    const limits = limited({ idleTimeoutMs: 30_000 });
    limits.start(500);
    assert.deepEqual(
      run(limits, () => 0, Infinity),
      { reason: 'idle-timeout', now: 30_500 },
    );
  });

  test('traffic puts the idle end off, by at most a sixteenth too much', () => {
    const limits = limited({ idleTimeoutMs: 16_000 });
    limits.start(0);
    const ended = run(limits, now => Math.floor(Math.min(now, 100_000) / 100), Infinity);
    assert.equal(ended?.reason, 'idle-timeout');
    assert.ok(ended.now >= 116_000 && ended.now <= 117_000, String(ended.now));
  });

  test('a session with traffic does not end', () => {
    const limits = limited({ idleTimeoutMs: 5000 });
    limits.start(0);
    assert.equal(
      run(limits, now => Math.floor(now / 300), 1_000_000),
      undefined,
    );
  });

  test('a new limit counts from when the session came up', () => {
    const limits = new SessionLimits();
    limits.start(0);
    limits.change({ ...NONE, sessionTimeoutMs: 5000 }, 4000);
    assert.equal(limits.deadline, 5000);
    limits.change({ ...NONE, sessionTimeoutMs: 2000 }, 4100);
    assert.equal(limits.expired(4100, 9), 'session-timeout');
    limits.change(NONE, 4200);
    assert.equal(limits.deadline, Infinity);
  });

  test('an idle limit that comes later starts with the silence that is known', () => {
    const limits = new SessionLimits();
    limits.start(0);
    limits.change({ ...NONE, idleTimeoutMs: 1000 }, 60_000);
    const ended = run(limits, () => 0, Infinity);
    assert.ok(ended !== undefined && ended.now <= 60_500, JSON.stringify(ended));
  });

  test('tells when a silent session will end, counted from the last traffic that anybody knows of', () => {
    const limits = limited({ idleTimeoutMs: 30_000 });
    assert.equal(limits.idleEnd(100, 0), undefined, 'not up yet');
    limits.start(500);
    assert.equal(limits.idleEnd(9_000, 0), 30_500);
    assert.equal(limits.idleEnd(9_000, 4), 39_000, 'there was traffic since the last look');
    assert.equal(limits.idleEnd(9_500, 0), 30_500, 'asking changes nothing');
    assert.equal(limited({}).idleEnd(9_000, 0), undefined);
  });
});
