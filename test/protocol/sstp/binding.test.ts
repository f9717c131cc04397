/** The crypto binding as a server verifies it and a client builds it, on published examples. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SstpClientCall } from '../../../src/protocol/sstp/client-call.ts';
import type { SstpServerCall } from '../../../src/protocol/sstp/server-call.ts';
import { HashProtocol } from '../../../src/wire/sstp.ts';
import { CallRecorder } from './call-recorder.ts';
import {
  bytes,
  CALL_ABORT,
  CALL_CONNECTED_SHA1,
  CALL_CONNECTED_SHA256,
  certificateHashOf,
  COMPOUND_MAC_AT,
  CONNECT_ACK,
  flipped,
  HLAK,
  NONCE,
} from './fixtures.ts';
import { connectedPending, NEGOTIATION_MS } from './server-bench.ts';

describe('a server', () => {
  for (const [name, packet] of [
    ['SHA-256', CALL_CONNECTED_SHA256],
    ['SHA-1', CALL_CONNECTED_SHA1],
  ] as const) {
    test(`the published ${name} example stands, and falls with any one bit of it`, () => {
      assert.deepEqual(answerTo(packet), ['callConnected']);
      for (let bit = 12 * 8; bit < packet.length * 8; bit += 1) {
        const damaged = flipped(packet, bit >> 3, 1 << (bit & 7));
        const [first = ''] = answerTo(damaged);
        assert.equal(first, 'CallAbort(3,4)', `bit ${bit & 7} of byte ${bit >> 3}`);
      }
    });
  }

  test('the key of PAP and CHAP is all zeros', () => {
    const mac = bytes('9C3121881609F1AE8C51DAF9777F1138563530F003B410825439A99218F2C5A9');
    const packet = CALL_CONNECTED_SHA256.slice();
    packet.set(mac, COMPOUND_MAC_AT);
    assert.deepEqual(answerTo(packet, { hlak: new Uint8Array(32) }), ['callConnected']);
    assert.deepEqual(answerTo(packet), ['CallAbort(3,4)', 'closing(binding-mac)']);
  });

  test('a hash protocol that was not offered is refused', () => {
    const refusal = ['CallAbort(3,4)', 'closing(binding-hash-protocol)'];
    assert.deepEqual(answerTo(CALL_CONNECTED_SHA256, { hashProtocols: HashProtocol.Sha1 }), refusal);
    assert.deepEqual(answerTo(CALL_CONNECTED_SHA1, { hashProtocols: HashProtocol.Sha256 }), refusal);
    assert.deepEqual(answerTo(CALL_CONNECTED_SHA1, { hashProtocols: HashProtocol.Sha1 }), ['callConnected']);
  });

  test('several faults are reported in the order of the checks', () => {
    let packet = CALL_CONNECTED_SHA1;
    const faultsFromLastToFirst = [
      [COMPOUND_MAC_AT, 'binding-mac'],
      [COMPOUND_MAC_AT + 31, 'binding-padding'],
      [48, 'binding-certificate'],
      [16, 'binding-nonce'],
    ] as const;
    for (const [at, reason] of faultsFromLastToFirst) {
      packet = flipped(packet, at);
      assert.deepEqual(answerTo(packet), ['CallAbort(3,4)', `closing(${reason})`]);
    }
  });

  test('key and nonce are overwritten once the call is connected', () => {
    const nonce = NONCE.slice();
    const hlak = HLAK.slice();
    const { call } = connectedPending({ random: () => nonce });
    call.authenticated(hlak, 0);
    assert.deepEqual(hlak, HLAK);
    call.receiveControl(CALL_CONNECTED_SHA256, 0);
    assert.equal(call.state, 'ServerCallConnected');
    assert.ok(nonce.every(byte => byte === 0) && hlak.every(byte => byte === 0));
  });

  test('key and nonce are overwritten when the call ends before', () => {
    const ways: ((call: SstpServerCall) => void)[] = [
      call => call.disconnected(),
      call => call.disconnect(0),
      call => call.receiveControl(CALL_ABORT, 0),
      call => call.handleTimeout(NEGOTIATION_MS),
    ];
    for (const end of ways) {
      const nonce = NONCE.slice();
      const hlak = HLAK.slice();
      const { call } = connectedPending({ random: () => nonce });
      call.authenticated(hlak, 0);
      end(call);
      assert.ok(nonce.every(byte => byte === 0) && hlak.every(byte => byte === 0));
    }
  });

  test('a key that comes too late is overwritten unseen', () => {
    const { call } = connectedPending();
    call.disconnected();
    const hlak = HLAK.slice();
    call.authenticated(hlak, 0);
    assert.ok(hlak.every(byte => byte === 0));
  });
});

describe('a client', () => {
  for (const [name, hashProtocols, packet] of [
    ['SHA-256 where both sides can', HashProtocol.Sha1 | HashProtocol.Sha256, CALL_CONNECTED_SHA256],
    ['SHA-1 where it must', HashProtocol.Sha1, CALL_CONNECTED_SHA1],
  ] as const) {
    test(`sends the published Call Connected, with ${name}`, () => {
      const recorder = new CallRecorder();
      const call = new SstpClientCall(recorder, {
        hashProtocols,
        certificateHash: certificateHashOf,
        negotiationTimeoutMs: 1_000,
        helloIntervalMs: 1_000,
      });
      call.start(0);
      call.receiveControl(CONNECT_ACK, 0);
      const hlak = HLAK.slice();
      call.authenticated(hlak, 0);
      assert.deepEqual(recorder.sent.at(-1), packet);
      assert.ok(
        hlak.every(byte => byte === 0),
        'the key is overwritten',
      );
    });
  }
});

/** What a server that knows the key does with this Call Connected. */
function answerTo(packet: Uint8Array, { hlak = HLAK, hashProtocols = 3 } = {}): string[] {
  const { call, recorder } = connectedPending({ hashProtocols });
  call.authenticated(hlak.slice(), 0);
  call.receiveControl(packet, 0);
  return recorder.take();
}
