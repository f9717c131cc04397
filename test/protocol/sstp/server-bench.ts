/** Server calls on the way to Call_Connected, with time zero as the moment of every step. */
import assert from 'node:assert/strict';
import { SstpServerCall, type SstpServerOptions } from '../../../src/protocol/sstp/server-call.ts';
import { HashProtocol } from '../../../src/wire/sstp.ts';
import { CallRecorder } from './call-recorder.ts';
import { CALL_CONNECTED_SHA256, certificateHashOf, CONNECT_REQUEST, HLAK, NONCE } from './fixtures.ts';

export const NEGOTIATION_MS = 60_000;
export const HELLO_MS = 50_000;

export interface Bench {
  readonly call: SstpServerCall;
  readonly recorder: CallRecorder;
}

export function accepted(options: Partial<SstpServerOptions> = {}): Bench {
  const recorder = new CallRecorder();
  const call = new SstpServerCall(recorder, {
    hashProtocols: HashProtocol.Sha1 | HashProtocol.Sha256,
    certificateHash: certificateHashOf,
    random: () => NONCE.slice(),
    negotiationTimeoutMs: NEGOTIATION_MS,
    helloIntervalMs: HELLO_MS,
    ...options,
  });
  call.accept(0);
  return { call, recorder };
}

export function connectedPending(options: Partial<SstpServerOptions> = {}): Bench {
  const bench = accepted(options);
  bench.call.receiveControl(CONNECT_REQUEST, 0);
  assert.deepEqual(bench.recorder.take(), ['CallConnectAck', 'lowerLinkUp']);
  return bench;
}

export function connected(): Bench {
  const bench = connectedPending();
  bench.call.authenticated(HLAK.slice(), 0);
  bench.call.receiveControl(CALL_CONNECTED_SHA256, 0);
  assert.deepEqual(bench.recorder.take(), ['callConnected']);
  return bench;
}
