/** What the server's transition table cannot show: parked bindings, and timers over time. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SstpServerCall } from '../../../src/protocol/sstp/server-call.ts';
import { HashProtocol, MessageType } from '../../../src/wire/sstp.ts';
import {
  bytes,
  CALL_ABORT,
  CALL_CONNECTED_SHA256,
  CALL_DISCONNECT,
  COMPOUND_MAC_AT,
  CONNECT_REQUEST,
  control,
  ECHO_REQUEST,
  flipped,
  HLAK,
} from './fixtures.ts';
import { accepted, connected, connectedPending, HELLO_MS, NEGOTIATION_MS } from './server-bench.ts';

describe('Call Connected before the result of the authentication', () => {
  test('is parked, and verified when the key is known', () => {
    const { call, recorder } = connectedPending();
    call.receiveControl(CALL_CONNECTED_SHA256, 1_000);
    assert.deepEqual(recorder.take(), []);
    assert.equal(call.state, 'ServerCallConnectedPending');
    assert.equal(call.deadline, NEGOTIATION_MS, 'Negotiation goes on');

    call.authenticated(HLAK.slice(), 2_000);
    assert.deepEqual(recorder.take(), ['callConnected']);
    assert.equal(call.deadline, 2_000 + HELLO_MS);
  });

  test('is kept in a copy: the receive buffer is reused', () => {
    const { call, recorder } = connectedPending();
    const buffer = CALL_CONNECTED_SHA256.slice();
    call.receiveControl(buffer, 1_000);
    buffer.fill(0xee);
    call.authenticated(HLAK.slice(), 2_000);
    assert.deepEqual(recorder.take(), ['callConnected']);
  });

  test('is refused when it turns out to be wrong', () => {
    const { call, recorder } = connectedPending();
    call.receiveControl(flipped(CALL_CONNECTED_SHA256, COMPOUND_MAC_AT), 1_000);
    call.authenticated(HLAK.slice(), 2_000);
    assert.deepEqual(recorder.take(), ['CallAbort(3,4)', 'closing(binding-mac)']);
  });

  test('is refused at once when it is malformed', () => {
    const { call, recorder } = connectedPending();
    call.receiveControl(control(MessageType.CallConnected), 1_000);
    assert.deepEqual(recorder.take(), ['CallAbort(2,9)', 'closing(binding-malformed)']);
  });

  test('may come once: a second one is an unexpected message', () => {
    const { call, recorder } = connectedPending();
    call.receiveControl(CALL_CONNECTED_SHA256, 1_000);
    call.receiveControl(CALL_CONNECTED_SHA256, 1_100);
    assert.deepEqual(recorder.take(), ['CallAbort(2,5)', 'closing(unexpected-message)']);
    call.authenticated(HLAK.slice(), 2_000);
    assert.deepEqual(recorder.take(), []);
  });

  test('does not save a call whose authentication never ends', () => {
    const { call, recorder } = connectedPending();
    call.receiveControl(CALL_CONNECTED_SHA256, 1_000);
    call.handleTimeout(NEGOTIATION_MS);
    assert.deepEqual(recorder.take(), ['CallAbort(2,8)', 'closing(negotiation-timeout)']);
  });

  test('is forgotten when the authentication fails', () => {
    const { call, recorder } = connectedPending();
    call.receiveControl(CALL_CONNECTED_SHA256, 1_000);
    call.disconnect(2_000);
    assert.deepEqual(recorder.take(), ['CallDisconnect(0,0)', 'closing(local-disconnect)']);
  });
});

describe('Call Connect Ack', () => {
  test('offers the configured hash protocols and a fresh nonce', () => {
    const { recorder } = connectedPending({ hashProtocols: HashProtocol.Sha256 });
    const ack = bytes(`10010030 0002 0001 00040028 000000 02
      000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F`);
    assert.deepEqual(recorder.sent, [ack]);
  });
});

describe('Hello timer', () => {
  test('busy traffic moves it without an input of its own, and costs one wake-up an interval', () => {
    const { call, recorder } = connected();
    for (let now = 0; now < 40_000; now += 10) call.heard(now);
    assert.equal(call.deadline, HELLO_MS, 'heard() leaves the deadline alone');
    call.handleTimeout(HELLO_MS);
    assert.deepEqual(recorder.take(), []);
    assert.equal(call.deadline, 39_990 + HELLO_MS);
  });

  test('an answer to the probe keeps the call, silence after it ends the call without a word', () => {
    const { call, recorder } = connected();
    call.handleTimeout(HELLO_MS);
    assert.deepEqual(recorder.take(), ['EchoRequest']);
    call.heard(HELLO_MS + 5);
    call.handleTimeout(2 * HELLO_MS);
    assert.deepEqual(recorder.take(), []);
    call.handleTimeout(2 * HELLO_MS + 5);
    assert.deepEqual(recorder.take(), ['EchoRequest']);
    call.handleTimeout(3 * HELLO_MS + 5);
    assert.deepEqual(recorder.take(), ['lowerLinkDown(hello-timeout)', 'closeConnection(hello-timeout)']);
    assert.equal(call.deadline, Number.POSITIVE_INFINITY);
  });

  test('an answer within the very millisecond of the probe counts', () => {
    const { call, recorder } = connected();
    call.handleTimeout(HELLO_MS);
    call.heard(HELLO_MS);
    call.handleTimeout(2 * HELLO_MS);
    assert.deepEqual(recorder.take(), ['EchoRequest', 'EchoRequest']);
  });

  test('after a long stop of this process the peer gets its full second interval', () => {
    const { call, recorder } = connected();
    call.handleTimeout(10 * HELLO_MS);
    assert.deepEqual(recorder.take(), ['EchoRequest']);
    assert.equal(call.deadline, 11 * HELLO_MS);
  });
});

describe('negotiation time', () => {
  test('is not stretched by echoes', () => {
    const { call, recorder } = accepted();
    call.receiveControl(ECHO_REQUEST, 30_000);
    assert.equal(call.deadline, NEGOTIATION_MS);
    call.handleTimeout(NEGOTIATION_MS);
    assert.deepEqual(recorder.take(), ['EchoResponse', 'closeConnection(negotiation-timeout)']);
  });
});

describe('the end of a call', () => {
  test('is told with the first reason, whatever follows', () => {
    const { call, recorder } = connected();
    call.disconnect(0);
    call.receiveControl(CALL_ABORT, 100);
    call.receiveControl(CALL_DISCONNECT, 200);
    call.handleTimeout(1_100);
    assert.deepEqual(recorder.take(), [
      'CallDisconnect(0,0)',
      'closing(local-disconnect)',
      'CallAbort(2,7)',
      'lowerLinkDown(local-disconnect)',
      'closeConnection(local-disconnect)',
    ]);
  });

  test('is final: no input has any effect on a call that was closed or disconnected', () => {
    const ends: ((call: SstpServerCall) => void)[] = [
      call => call.disconnected(),
      call => {
        call.receiveControl(CALL_DISCONNECT, 0);
        call.handleTimeout(1_000);
      },
    ];
    for (const end of ends) {
      const { call, recorder } = connected();
      end(call);
      recorder.take();
      call.receiveControl(CONNECT_REQUEST, 0);
      call.receiveControl(CALL_ABORT, 0);
      call.disconnect(0);
      call.heard(0);
      call.handleTimeout(1e9);
      call.disconnected();
      assert.deepEqual(recorder.take(), []);
      assert.equal(call.deadline, Number.POSITIVE_INFINITY);
      assert.throws(() => call.accept(0), /twice/);
    }
  });
});

describe('what a call says of itself', () => {
  test('is the end of its negotiation until it is connected, and the hash of the binding from then on', () => {
    const { call } = connectedPending();
    assert.equal(call.negotiationDeadline, NEGOTIATION_MS);
    assert.equal(call.hashProtocol, undefined);
    call.receiveControl(CALL_CONNECTED_SHA256, 1_000);
    call.authenticated(HLAK.slice(), 2_000);
    assert.equal(call.negotiationDeadline, undefined);
    assert.equal(call.hashProtocol, HashProtocol.Sha256);
  });

  test('is no hash when the binding does not stand', () => {
    const { call } = connectedPending();
    call.receiveControl(flipped(CALL_CONNECTED_SHA256, COMPOUND_MAC_AT), 1_000);
    call.authenticated(HLAK.slice(), 2_000);
    assert.equal(call.hashProtocol, undefined);
    assert.equal(call.negotiationDeadline, undefined);
  });
});
