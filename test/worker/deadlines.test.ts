import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { Deadlines } from '../../src/worker/deadlines.ts';
import type { Timed } from '../../src/worker/deadlines.ts';

class Alarm implements Timed {
  deadline: number;
  readonly woken: number[] = [];
  readonly #then: number;

  constructor(deadline: number, then = Number.POSITIVE_INFINITY) {
    this.deadline = deadline;
    this.#then = then;
  }

  handleTimeout(now: number): void {
    this.woken.push(now);
    this.deadline = this.#then;
  }
}

function withVirtualTime(run: (deadlines: Deadlines, advance: (ms: number) => void) => void): void {
  let now = 0;
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const deadlines = new Deadlines(() => now, 5);
    run(deadlines, ms => {
      for (let step = 0; step < ms; step++) {
        now++;
        mock.timers.tick(1);
      }
    });
    deadlines.close();
  } finally {
    mock.timers.reset();
  }
}

test('each alarm is woken once, in the order of the deadlines, never early', () => {
  withVirtualTime((deadlines, advance) => {
    const order: number[] = [];
    const alarms = [50, 10, 30, 20, 40, 10].map(at => {
      const alarm = new Alarm(at);
      const wake = alarm.handleTimeout.bind(alarm);
      alarm.handleTimeout = now => {
        assert.ok(now >= at, 'woken early');
        order.push(at);
        wake(now);
      };
      deadlines.update(alarm);
      return alarm;
    });
    advance(100);
    assert.deepEqual(order, [10, 10, 20, 30, 40, 50]);
    assert.ok(alarms.every(alarm => alarm.woken.length === 1));
    assert.equal(deadlines.size, 0);
  });
});

test('a deadline that moves later without notice is met at its new time', () => {
  withVirtualTime((deadlines, advance) => {
    const alarm = new Alarm(20);
    deadlines.update(alarm);
    advance(10);
    alarm.deadline = 60;
    advance(40);
    assert.equal(alarm.woken.length, 0);
    advance(30);
    assert.equal(alarm.woken.length, 1);
    assert.ok(alarm.woken[0]! >= 60);
  });
});

test('a deadline that moves closer is met at its new time once update was called', () => {
  withVirtualTime((deadlines, advance) => {
    const alarm = new Alarm(1000);
    deadlines.update(alarm);
    alarm.deadline = 10;
    deadlines.update(alarm);
    advance(20);
    assert.equal(alarm.woken.length, 1);
  });
});

test('a deleted alarm is never woken, also when another one deletes it in the same turn', () => {
  withVirtualTime((deadlines, advance) => {
    const gone = new Alarm(10);
    const other = new Alarm(10);
    const first = new Alarm(9);
    const wake = first.handleTimeout.bind(first);
    first.handleTimeout = now => {
      wake(now);
      deadlines.delete(gone);
    };
    for (const alarm of [first, gone, other]) deadlines.update(alarm);
    advance(50);
    assert.equal(gone.woken.length, 0);
    assert.equal(other.woken.length, 1);
  });
});

test('an alarm that is deleted while it is woken is not put back, whatever its deadline still says', () => {
  withVirtualTime((deadlines, advance) => {
    const alarm = new Alarm(10, 40);
    const wake = alarm.handleTimeout.bind(alarm);
    alarm.handleTimeout = now => {
      wake(now);
      deadlines.delete(alarm);
    };
    deadlines.update(alarm);
    advance(100);
    assert.equal(alarm.woken.length, 1);
    assert.equal(deadlines.size, 0);
  });
});

test('an alarm that sets itself again goes on', () => {
  withVirtualTime((deadlines, advance) => {
    const alarm = new Alarm(10, 40);
    deadlines.update(alarm);
    advance(20);
    assert.equal(alarm.woken.length, 1);
    advance(40);
    assert.ok(alarm.woken.length >= 2);
  });
});

test('a thousand random deadlines with random deletions all behave', () => {
  withVirtualTime((deadlines, advance) => {
    let seed = 7;
    const random = (): number => (seed = (seed * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
    const alarms = Array.from({ length: 1000 }, () => new Alarm(1 + Math.floor(random() * 200)));
    for (const alarm of alarms) deadlines.update(alarm);
    const deleted = alarms.filter(() => random() < 0.3);
    for (const alarm of deleted) deadlines.delete(alarm);
    advance(220);
    for (const alarm of alarms) assert.equal(alarm.woken.length, deleted.includes(alarm) ? 0 : 1);
  });
});
