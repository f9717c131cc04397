/** Every cell of the client's transition table, MS-SSTP 3.2. */
import { describe } from 'node:test';
import { SstpClientCall, type ClientState } from '../../../src/protocol/sstp/client-call.ts';
import { cryptoBindingRequest, HashProtocol, MessageType } from '../../../src/wire/sstp.ts';
import { CallRecorder } from './call-recorder.ts';
import {
  CALL_ABORT,
  CALL_CONNECTED_SHA256,
  CALL_DISCONNECT,
  CALL_DISCONNECT_ACK,
  certificateHashOf,
  CONNECT_ACK,
  CONNECT_NAK,
  CONNECT_REQUEST,
  control,
  ECHO_REQUEST,
  ECHO_RESPONSE,
  HLAK,
  MALFORMED_MESSAGE,
  NONCE,
  UNKNOWN_MESSAGE,
} from './fixtures.ts';
import {
  ENTERED_AT,
  HELLO_MS,
  NEGOTIATION_MS,
  runTable,
  type Column,
  type Event,
  type Prepared,
} from './transition-table.ts';

// The notation is explained in transition-table.ts.
const TABLE = `
event                                  | Request_Sent | Ack_Received | Call_Connected | Abort_Pending | Abort_Timeout_Pending | Disconnect_Ack_Pending | Disconnect_Timeout_Pending | Disconnected
Connect Ack, both hashes offered       | PPP          | A(2,5)       | A(2,5)         | .             | .                     | .                      | .                          | .
Connect Ack, only SHA-1 offered        | PPP          | A(2,5)       | A(2,5)         | .             | .                     | .                      | .                          | .
Connect Ack, attribute absent          | A(2,9)       | A(2,5)       | A(2,5)         | .             | .                     | .                      | .                          | .
Connect Ack, attribute too short       | A(2,9)       | A(2,5)       | A(2,5)         | .             | .                     | .                      | .                          | .
Connect Ack, no hash offered           | A(4,4)       | A(2,5)       | A(2,5)         | .             | .                     | .                      | .                          | .
Connect Ack, unknown hash offered      | A(4,4)       | A(2,5)       | A(2,5)         | .             | .                     | .                      | .                          | .
Connect Nak                            | Request      | A(2,5)       | A(2,5)         | .             | .                     | .                      | .                          | .
Connect Nak over the limit             | A(2,6)       | A(2,5)       | A(2,5)         | .             | .                     | .                      | .                          | .
PPP authentication succeeded           | .            | Up!          | .              | .             | .                     | .                      | .                          | .
local disconnect                       | Disc         | Disc         | Disc           | .             | .                     | .                      | .                          | .
Call Abort                             | Abort2       | Abort2       | Abort2         | wait2         | .                     | Abort2                 | .                          | .
Call Disconnect                        | DiscAck      | DiscAck      | DiscAck        | .             | .                     | DiscAck                | .                          | .
Call Disconnect Ack                    | A(2,5)       | A(2,5)       | A(2,5)         | .             | .                     | CLEAN                  | .                          | .
Echo Request                           | A(2,5)       | A(2,5)       | Echo+          | .             | .                     | .                      | .                          | .
Echo Response                          | A(2,5)       | A(2,5)       | .+             | .             | .                     | .                      | .                          | .
Connect Request                        | A(2,5)       | A(2,5)       | A(2,5)         | .             | .                     | .                      | .                          | .
Call Connected                         | A(2,5)       | A(2,5)       | A(2,5)         | .             | .                     | .                      | .                          | .
invalid control message                | A(2,7)       | A(2,7)       | A(2,7)         | .             | .                     | .                      | .                          | .
unknown control message                | A(2,7)       | A(2,7)       | A(2,7)         | .             | .                     | .                      | .                          | .
PPP control frame received             | drop         | pass         | pass+          | drop          | drop                  | drop                   | drop                       | drop
PPP data frame received                | drop         | drop         | pass+          | drop          | drop                  | drop                   | drop                       | drop
PPP control frame to send              | drop         | pass         | pass           | drop          | drop                  | drop                   | drop                       | drop
PPP data frame to send                 | drop         | drop         | pass           | drop          | drop                  | drop                   | drop                       | drop
timer expires                          | A(2,8)       | A(2,8)       | Probe          | CLEAN         | CLEAN                 | CLEAN                  | CLEAN                      | -
Hello expires, probe outstanding       | -            | -            | CLEAN hello-timeout | -        | -                     | -                      | -                          | -
time passes, no timer is due           | .            | .            | .              | .             | .                     | .                      | .                          | .
HTTPS disconnected, delineation failed | gone connection-lost | gone connection-lost | gone connection-lost | gone | gone       | gone                   | gone                       | .
`;

const STATES: Readonly<Record<ClientState, Column<SstpClientCall>>> = {
  ClientConnectRequestSent: { head: 'Request_Sent', prepare: () => prepare(false) },
  ClientConnectAckReceived: { head: 'Ack_Received', prepare: () => prepare(true, receive(CONNECT_ACK)) },
  ClientCallConnected: { head: 'Call_Connected', prepare: () => prepare(true, receive(CONNECT_ACK), authenticated) },
  CallAbortPending: { head: 'Abort_Pending', prepare: () => ending('unexpected-message', receive(CONNECT_ACK)) },
  CallAbortTimeoutPending: { head: 'Abort_Timeout_Pending', prepare: () => ending('peer-abort', receive(CALL_ABORT)) },
  CallDisconnectAckPending: {
    head: 'Disconnect_Ack_Pending',
    prepare: () => ending('local-disconnect', call => call.disconnect(ENTERED_AT)),
  },
  CallDisconnectTimeoutPending: {
    head: 'Disconnect_Timeout_Pending',
    prepare: () => ending('peer-disconnect', receive(CALL_DISCONNECT)),
  },
  ClientCallDisconnected: {
    head: 'Disconnected',
    prepare: () => prepare(false, receive(CONNECT_ACK), call => call.disconnected()),
  },
};

type Step = (call: SstpClientCall) => void;

const EVENTS: Readonly<Record<string, Event<SstpClientCall>>> = {
  'Connect Ack, both hashes offered': message(CONNECT_ACK),
  'Connect Ack, only SHA-1 offered': message(connectAck(HashProtocol.Sha1)),
  'Connect Ack, attribute absent': message(control(MessageType.CallConnectAck)),
  'Connect Ack, attribute too short': message(
    control(MessageType.CallConnectAck, { id: 4, value: CONNECT_ACK.slice(12, 47) }),
  ),
  'Connect Ack, no hash offered': message(connectAck(0)),
  'Connect Ack, unknown hash offered': message(connectAck(0x04)),
  'Connect Nak': message(CONNECT_NAK),
  'Connect Nak over the limit': { happen: overTheNakLimit },
  'PPP authentication succeeded': { happen: (call, now) => call.authenticated(HLAK.slice(), now) },
  'local disconnect': { happen: (call, now) => call.disconnect(now) },
  'Call Abort': message(CALL_ABORT),
  'Call Disconnect': message(CALL_DISCONNECT),
  'Call Disconnect Ack': message(CALL_DISCONNECT_ACK),
  'Echo Request': message(ECHO_REQUEST),
  'Echo Response': message(ECHO_RESPONSE),
  'Connect Request': message(CONNECT_REQUEST),
  'Call Connected': message(CALL_CONNECTED_SHA256),
  'invalid control message': message(MALFORMED_MESSAGE),
  'unknown control message': message(UNKNOWN_MESSAGE),
  'PPP control frame received': { happen: (call, now) => (call.heard(now), filter(call.passesControlFrames)) },
  'PPP data frame received': { happen: (call, now) => (call.heard(now), filter(call.passesDataFrames)) },
  'PPP control frame to send': { happen: call => filter(call.passesControlFrames) },
  'PPP data frame to send': { happen: call => filter(call.passesDataFrames) },
  'timer expires': { atDeadline: true, happen: (call, now) => call.handleTimeout(now) },
  'Hello expires, probe outstanding': { happen: expireTwice },
  'time passes, no timer is due': { happen: (call, now) => call.handleTimeout(now) },
  'HTTPS disconnected, delineation failed': { happen: call => call.disconnected() },
};

let recorder = new CallRecorder();

describe('client call', () => runTable({ name: 'Client', malformed: 'ack-malformed' }, TABLE, STATES, EVENTS));

function prepare(linkIsUp: boolean, ...steps: Step[]): Prepared<SstpClientCall> {
  recorder = new CallRecorder();
  const call = new SstpClientCall(recorder, {
    hashProtocols: HashProtocol.Sha1 | HashProtocol.Sha256,
    certificateHash: certificateHashOf,
    negotiationTimeoutMs: NEGOTIATION_MS,
    helloIntervalMs: HELLO_MS,
  });
  call.start(ENTERED_AT);
  for (const step of steps) step(call);
  recorder.take();
  return { call, recorder, linkIsUp };
}

/** A call that is ending, from Call_Connected. */
function ending(reason: string, step: Step): Prepared<SstpClientCall> {
  return { ...prepare(true, receive(CONNECT_ACK), authenticated, step), reason };
}

function authenticated(call: SstpClientCall): void {
  call.authenticated(HLAK.slice(), ENTERED_AT);
}

function receive(packet: Uint8Array): Step {
  return call => call.receiveControl(packet, ENTERED_AT);
}

function message(packet: Uint8Array): Event<SstpClientCall> {
  return { happen: (call, now) => call.receiveControl(packet, now) };
}

function connectAck(hashProtocols: number): Uint8Array {
  return control(MessageType.CallConnectAck, cryptoBindingRequest({ hashProtocols, nonce: NONCE }));
}

function filter(passes: boolean): string {
  return passes ? 'pass' : 'drop';
}

function overTheNakLimit(call: SstpClientCall, now: number): void {
  for (let naks = 0; naks < 3 && call.state === 'ClientConnectRequestSent'; naks += 1) {
    call.receiveControl(CONNECT_NAK, ENTERED_AT);
  }
  recorder.take();
  call.receiveControl(CONNECT_NAK, now);
}

function expireTwice(call: SstpClientCall): void {
  call.handleTimeout(call.deadline);
  recorder.take();
  call.handleTimeout(call.deadline);
}
