import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'node:test';
import { AcctStatus } from '../../../src/aaa/radius/acct-status.ts';
import { Delivery } from '../../../src/aaa/radius/delivery.ts';
import type { AccountingRequest } from '../../../src/aaa/radius/journal-entry.ts';
import { sampleRequest } from './journal-samples.ts';

const { Start, Stop, Interim, On, Off } = AcctStatus;

test('requests of one session go one after the other, those of several at a time', async () => {
  const server = new Server();
  const delivery = server.delivery();
  delivery.add([request(1, 'a', Start), request(2, 'b', Start), request(3, 'a', Stop)]);
  assert.deepEqual(server.waiting(), [1, 2]);
  server.answer(2);
  await turn();
  assert.deepEqual(server.waiting(), [1]);
  server.answer(1);
  await turn();
  assert.deepEqual(server.waiting(), [3]);
  server.answer(3);
  assert.equal(await delivery.drained(1000), true);
  assert.deepEqual(server.acknowledged, [2, 1, 3]);
});

test('no more than 64 are under way, oldest first', async () => {
  const server = new Server();
  const delivery = server.delivery();
  delivery.add(Array.from({ length: 200 }, (_, index) => request(index + 1, `s${index}`, Start)));
  assert.deepEqual(
    server.waiting(),
    Array.from({ length: 64 }, (_, index) => index + 1),
  );
  server.answer(5);
  await turn();
  assert.equal(server.waiting().at(-1), 65);
  delivery.close();
});

test('Accounting-On waits for what is before it, and what is after it waits', async () => {
  const server = new Server();
  const delivery = server.delivery();
  delivery.add([request(1, 'old', Stop), request(2, '', On), request(3, 'new', Start), request(4, 'new', Stop)]);
  delivery.add([request(5, '', Off)]);
  for (const expected of [1, 2, 3, 4, 5]) {
    assert.deepEqual(server.waiting(), [expected]);
    server.answer(expected);
    await turn();
  }
  assert.equal(await delivery.drained(0), true);
});

test('an Interim that waits is replaced by what comes after it; one under way is not', async () => {
  const server = new Server();
  const delivery = server.delivery();
  delivery.add([request(1, 'a', Start), request(2, 'a', Interim), request(3, 'a', Interim)]);
  assert.deepEqual(server.superseded, [2]);
  server.answer(1);
  await turn();
  delivery.add([request(4, 'a', Interim), request(5, 'a', Stop)]);
  assert.deepEqual(server.superseded, [2, 4]);
  server.answer(3);
  await turn();
  assert.deepEqual(server.waiting(), [5]);
  delivery.close();
});

test('while the server is down one request at a time is tried; then all go, in order', async () => {
  const server = new Server();
  const delivery = server.delivery();
  delivery.add(Array.from({ length: 100 }, (_, index) => request(index + 1, `s${index}`, Start)));
  for (const number of server.waiting()) server.fail(number);
  for (let probes = 0; probes < 5; probes++) {
    await server.untilWaiting(1);
    const [probe] = server.waiting();
    server.fail(probe!);
    await turn();
    assert.equal(server.waiting().length, 0);
  }
  await server.untilWaiting(1);
  const [probe] = server.waiting();
  server.answer(probe!);
  await turn();
  const resumed = server.waiting();
  assert.equal(resumed.length, 64);
  assert.deepEqual(
    resumed,
    [...resumed].sort((a, b) => a - b),
  );
  server.answersAll = true;
  for (const number of resumed) server.answer(number);
  assert.equal(await delivery.drained(1000), true);
  assert.deepEqual(new Set(server.acknowledged), new Set(Array.from({ length: 100 }, (_, index) => index + 1)));
  assert.equal(server.acknowledged.length, 100);
  assert.ok(delivery.retries >= 64);
});

test('a request that the server never answers holds up its own session only', async () => {
  const server = new Server();
  const delivery = server.delivery();
  server.answersAll = true;
  server.ignored = 1;
  delivery.add([request(1, 'bad', Start), request(2, '', On), request(3, 'good', Start), request(4, 'bad', Stop)]);
  while (!server.acknowledged.includes(3)) await sleep(2);
  assert.deepEqual(server.acknowledged, [2, 3]);
  assert.equal(await delivery.drained(20), false);
  server.ignored = undefined;
  assert.equal(await delivery.drained(2000), true);
  assert.deepEqual(server.acknowledged, [2, 3, 1, 4]);
});

test('after close nothing is sent', async () => {
  const server = new Server();
  const delivery = server.delivery();
  delivery.add([request(1, 'a', Start), request(2, 'b', Start)]);
  delivery.close();
  server.fail(1);
  server.answer(2);
  await sleep(20);
  assert.deepEqual(server.waiting(), []);
  assert.deepEqual(server.acknowledged, [2]);
});

function request(number: number, id: string, status: number): AccountingRequest {
  return sampleRequest(number, id, status);
}

/** Answers when it is told to. */
class Server {
  readonly acknowledged: number[] = [];
  readonly superseded: number[] = [];
  answersAll = false;
  ignored: number | undefined;
  readonly #open = new Map<number, (isAcknowledged: boolean) => void>();

  delivery(): Delivery {
    return new Delivery({
      firstPauseMs: 2,
      send: ({ number }) => {
        if (this.answersAll) return turn().then(() => number !== this.ignored);
        return new Promise(resolve => this.#open.set(number, resolve));
      },
      done: ({ number }, outcome) => this[outcome].push(number),
    });
  }

  /** Numbers of the requests under way, in the order in which they were sent. */
  waiting(): number[] {
    return [...this.#open.keys()];
  }

  async untilWaiting(count: number): Promise<void> {
    while (this.#open.size < count) await sleep(1);
  }

  answer(number: number): void {
    this.#settle(number, true);
  }

  fail(number: number): void {
    this.#settle(number, false);
  }

  #settle(number: number, isAcknowledged: boolean): void {
    const settle = this.#open.get(number);
    assert.ok(settle, `request ${number} is under way`);
    this.#open.delete(number);
    settle(isAcknowledged);
  }
}

function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}
