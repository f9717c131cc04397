import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EventSockets, type EventSocket } from '../../src/admin/event-sockets.ts';
import type { GatewayEvent } from '../../src/admin/gateway-event.ts';

class FakeSocket implements EventSocket {
  readonly texts: string[] = [];
  room = Infinity;

  send(text: string): boolean {
    if (this.texts.length >= this.room) return false;
    this.texts.push(text);
    return true;
  }

  get types(): unknown[] {
    return this.texts.map(text => (JSON.parse(text) as { type: string }).type);
  }
}

interface Feed {
  readonly sockets: EventSockets;
  readonly listeners: ReadonlySet<unknown>;
  readonly emit: (event: GatewayEvent) => void;
}

function feed(): Feed {
  const listeners = new Set<(event: GatewayEvent) => void>();
  const sockets = new EventSockets({
    listen: listener => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  });
  return { sockets, listeners, emit: (event: GatewayEvent) => listeners.forEach(listener => listener(event)) };
}

describe('events for WebSockets', () => {
  const drain: GatewayEvent = { at: '2026-06-01T00:00:00.000Z', type: 'drain' };
  const ready: GatewayEvent = { at: '2026-06-01T00:00:01.000Z', type: 'worker-ready', worker: 1 };

  test('every socket gets every event, and nobody listens when there is none', () => {
    const { sockets, listeners, emit } = feed();
    const [a, b] = [new FakeSocket(), new FakeSocket()];
    assert.equal(listeners.size, 0);
    sockets.add(a);
    sockets.add(b);
    assert.equal(listeners.size, 1);
    emit(drain);
    assert.deepEqual(
      a.texts.map(text => JSON.parse(text) as unknown),
      [drain],
    );
    assert.deepEqual(b.texts, a.texts);
    sockets.delete(a);
    emit(ready);
    assert.deepEqual([a.texts.length, b.texts.length], [1, 2]);
    sockets.delete(b);
    assert.equal(listeners.size, 0);
  });

  test('a reader without room misses events, is told how many, and then goes on', () => {
    const { sockets, emit } = feed();
    const [slow, other] = [new FakeSocket(), new FakeSocket()];
    sockets.add(slow);
    sockets.add(other);
    slow.room = 1;
    for (let index = 0; index < 4; index++) emit(drain);
    slow.room = Infinity;
    // Not before the socket says so: the word about the missing ones comes first.
    emit(ready);
    sockets.drained(slow);
    emit(ready);
    assert.deepEqual(slow.types, ['drain', 'missed', 'worker-ready']);
    assert.equal((JSON.parse(slow.texts[1]!) as { count: number }).count, 4);
    assert.equal(other.texts.length, 6);
  });
});
