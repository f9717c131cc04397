import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AuthMethod } from '../../../src/protocol/ppp/credentials.ts';
import { ADDRESS, LossyPair, type Weather } from './lossy-pair.ts';

const METHODS: readonly AuthMethod[] = ['pap', 'chap', 'mschapv2', 'eap'];
const MINUTES = 60_000;

describe('server and client on a perfect network', () => {
  for (const method of METHODS) {
    test(`${method}: both are up, agree on the address and on the key`, () => {
      const pair = new LossyPair(weather({ auth: [method], clientAuth: METHODS }));
      assert.ok(pair.runUntil(() => pair.bothUp, 2000));
      assert.equal(pair.clientAddress, ADDRESS);
      assert.deepEqual(pair.clientHlak, pair.serverHlak);
      assert.equal(
        pair.clientHlak?.some(byte => byte !== 0),
        method === 'mschapv2' || method === 'eap',
      );
      assert.ok(pair.frames < 30, `${pair.frames} frames`);
    });

    test(`${method}: a wrong password ends both with auth-failed`, () => {
      const pair = new LossyPair(weather({ auth: [method], clientAuth: METHODS, password: 'Secret' }));
      assert.ok(pair.runUntil(() => pair.bothEnded, 5000));
      assert.deepEqual([pair.serverEnded, pair.clientEnded], [['auth-failed'], ['auth-failed']]);
    });
  }

  test('they settle on the only method that both allow', () => {
    const pair = new LossyPair(weather({ auth: ['pap', 'mschapv2', 'chap'], clientAuth: ['chap'] }));
    assert.ok(pair.runUntil(() => pair.bothUp, 2000));
    assert.equal(pair.server.method, 'chap');
    assert.equal(pair.client.method, 'chap');
  });

  test('without a common method both end and say so', () => {
    const pair = new LossyPair(weather({ auth: ['pap'], clientAuth: ['mschapv2'] }));
    assert.ok(pair.runUntil(() => pair.bothEnded, 5000));
    assert.deepEqual(pair.serverEnded, ['auth-refused']);
  });

  test('a slow verdict (a phone has to be tapped) is waited for', () => {
    const pair = new LossyPair(weather({ auth: ['mschapv2'], clientAuth: METHODS, verdictMs: 25_000 }));
    assert.ok(pair.runUntil(() => pair.bothUp, 27_000));
  });

  test('a verdict that comes too late ends both with a timeout', () => {
    const pair = new LossyPair(weather({ auth: ['mschapv2'], clientAuth: METHODS, verdictMs: 45_000 }));
    assert.ok(pair.runUntil(() => pair.bothEnded, MINUTES));
    assert.ok(pair.serverEnded.includes('auth-timeout') || pair.clientEnded.includes('auth-timeout'));
    pair.runUntil(() => false, 2 * MINUTES);
    assert.equal(pair.serverNetworks.size, 0);
  });

  test('a round trip of 1.6 s, longer than the first retransmission, is no obstacle', () => {
    const pair = new LossyPair(weather({ auth: ['mschapv2'], clientAuth: METHODS, delay: [800, 800] }));
    assert.ok(pair.runUntil(() => pair.bothUp, 15_000));
  });
});

test('IPv4 and IPv6 both come up', () => {
  const pair = new LossyPair(weather({ auth: ['mschapv2'], clientAuth: METHODS, ipv6: true }));
  assert.ok(pair.runUntil(() => pair.bothUp, 2000));
  assert.deepEqual([pair.serverNetworks, pair.clientNetworks], [new Set([4, 6]), new Set([4, 6])]);
});

describe('server and client on a bad network', () => {
  test('EAP without a common type is followed by MS-CHAPv2, whatever is lost on the way', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const pair = new LossyPair(
        weather({
          seed,
          loss: (seed % 4) * 0.03,
          auth: ['eap', 'mschapv2'],
          clientAuth: ['eap', 'mschapv2'],
          eap: 'relay',
        }),
      );
      assert.ok(
        pair.runUntil(() => pair.bothUp || pair.bothEnded, 10 * MINUTES),
        `seed ${seed}`,
      );
      assert.ok(pair.bothUp, `seed ${seed}: ${pair.serverEnded.join()} ${pair.clientEnded.join()}`);
      assert.deepEqual([pair.server.method, pair.client.method], ['mschapv2', 'mschapv2']);
      assert.deepEqual(pair.clientHlak, pair.serverHlak);
      finish(pair, seed);
    }
  });

  test('400 generated links come up or end with a reason, and never rest in between', () => {
    let up = 0;
    for (let seed = 1; seed <= 400; seed++) {
      const pair = new LossyPair(
        weather({
          seed,
          loss: (seed % 5) * 0.08,
          duplication: (seed % 3) * 0.1,
          delay: [1, seed % 2 === 0 ? 50 : 900],
          auth: METHODS.slice(seed % METHODS.length),
          clientAuth: METHODS,
          verdictMs: (seed % 4) * 700,
          ipv6: seed % 2 === 0,
        }),
      );
      assert.ok(
        pair.runUntil(() => pair.bothUp || pair.bothEnded, 10 * MINUTES),
        `seed ${seed} rests with server ${pair.server.phase}, client ${pair.client.phase}`,
      );
      if (pair.bothUp) up += 1;
      finish(pair, seed);
    }
    assert.ok(up > 300, `only ${up} of 400 came up`);
  });

  test('loss alone never keeps a link from coming up, and never lets a wrong password in', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const password = seed % 2 === 0 ? 'secret' : 'wrong';
      const auth: readonly AuthMethod[] = [seed % 4 < 2 ? 'mschapv2' : 'eap'];
      const pair = new LossyPair(weather({ seed, loss: 0.15, auth, clientAuth: METHODS, password }));
      assert.ok(
        pair.runUntil(() => pair.bothUp || pair.bothEnded, 10 * MINUTES),
        `seed ${seed}`,
      );
      assert.equal(
        pair.bothUp,
        password === 'secret',
        `seed ${seed}: ${pair.serverEnded.join()} ${pair.clientEnded.join()}`,
      );
    }
  });

  test('a network that breaks for good is noticed by both sides', () => {
    const pair = new LossyPair(weather({ auth: ['mschapv2'], clientAuth: METHODS }));
    assert.ok(pair.runUntil(() => pair.bothUp, 2000));
    pair.breakDown();
    assert.ok(pair.runUntil(() => pair.bothEnded, 2 * MINUTES));
    assert.deepEqual([pair.serverEnded, pair.clientEnded], [['echo-timeout'], ['echo-timeout']]);
    assert.ok(pair.now >= 40_000 && pair.now <= 45_000, `after ${pair.now} ms`);
  });

  test('an idle link lives on by its echoes alone', () => {
    const pair = new LossyPair(weather({ auth: ['mschapv2'], clientAuth: METHODS }));
    pair.runUntil(() => false, 10 * MINUTES);
    assert.ok(pair.bothUp);
  });
});

/** Whatever state the pair is in: an orderly end reaches both sides, once, and leaves no timer and no answer. */
function finish(pair: LossyPair, seed: number): void {
  pair.clearUp();
  pair.client.terminate('terminated', pair.now);
  assert.ok(
    pair.runUntil(() => pair.bothEnded, pair.now + MINUTES),
    `seed ${seed} does not end`,
  );
  pair.runUntil(() => false, pair.now + MINUTES);
  assert.equal(pair.serverEnded.length, 1);
  assert.equal(pair.clientEnded.length, 1);
  assert.equal(pair.serverNetworks.size + pair.clientNetworks.size, 0);
  assert.equal(Math.min(pair.server.deadline, pair.client.deadline), Number.POSITIVE_INFINITY);
  const { frames } = pair;
  pair.server.receive(0xc021, Uint8Array.of(1, 1, 0, 4), pair.now);
  pair.client.receive(0xc021, Uint8Array.of(9, 1, 0, 8, 0, 0, 0, 0), pair.now);
  assert.equal(pair.frames, frames, 'an ended link answers nothing');
}

function weather(changes: Partial<Weather>): Weather {
  return { seed: 1, loss: 0, duplication: 0, delay: [5, 5], auth: METHODS, clientAuth: METHODS, ...changes };
}
