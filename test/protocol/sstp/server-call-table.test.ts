/** Every cell of the server's transition table, MS-SSTP 3.3. */
import { describe } from 'node:test';
import { SstpServerCall, type ServerState } from '../../../src/protocol/sstp/server-call.ts';
import { HashProtocol, MessageType, Status, statusInfo } from '../../../src/wire/sstp.ts';
import { CallRecorder } from './call-recorder.ts';
import {
  CALL_ABORT,
  CALL_CONNECTED_SHA1,
  CALL_CONNECTED_SHA256,
  CALL_DISCONNECT,
  CALL_DISCONNECT_ACK,
  CERTIFICATE_HASH_AT,
  certificateHashOf,
  COMPOUND_MAC_AT,
  CONNECT_ACK,
  CONNECT_NAK,
  CONNECT_REQUEST,
  CONNECT_REQUEST_FOR_ANOTHER_PROTOCOL,
  control,
  ECHO_REQUEST,
  ECHO_RESPONSE,
  flipped,
  HASH_PROTOCOL_AT,
  HLAK,
  MALFORMED_MESSAGE,
  NONCE,
  NONCE_AT,
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

// The notation is explained in transition-table.ts. Connected_Pending has the result of the authentication already.
const TABLE = `
event                              | Request_Pending           | Connected_Pending        | Call_Connected | Abort_Pending | Abort_Timeout_Pending | Disconnect_Ack_Pending | Disconnect_Timeout_Pending | Disconnected
Connect Request, acceptable        | Ack                       | A(2,5)                   | A(2,5)         | .             | .                     | .                      | .                          | .
Connect Request, unacceptable      | Nak                       | A(2,5)                   | A(2,5)         | .             | .                     | .                      | .                          | .
the same over the limit            | A(2,6)                    | A(2,5)                   | A(2,5)         | .             | .                     | .                      | .                          | .
Connect Ack                        | A(2,5)                    | A(2,5)                   | A(2,5)         | .             | .                     | .                      | .                          | .
Connect Nak                        | A(2,5)                    | A(2,5)                   | A(2,5)         | .             | .                     | .                      | .                          | .
Call Connected, valid, SHA-256     | A(2,5)                    | Up                       | A(2,5)         | .             | .                     | .                      | .                          | .
Call Connected, valid, SHA-1       | A(2,5)                    | Up                       | A(2,5)         | .             | .                     | .                      | .                          | .
Call Connected, no attribute       | A(2,5)                    | A(2,9)                   | A(2,5)         | .             | .                     | .                      | .                          | .
Call Connected, attribute too short| A(2,5)                    | A(2,9)                   | A(2,5)         | .             | .                     | .                      | .                          | .
Call Connected, Status Info        | A(2,5)                    | A(2,9)                   | A(2,5)         | .             | .                     | .                      | .                          | .
Call Connected, wrong hash protocol| A(2,5)                    | A(3,4) binding-hash-protocol | A(2,5)     | .             | .                     | .                      | .                          | .
Call Connected, wrong nonce        | A(2,5)                    | A(3,4) binding-nonce     | A(2,5)         | .             | .                     | .                      | .                          | .
Call Connected, wrong certificate  | A(2,5)                    | A(3,4) binding-certificate | A(2,5)       | .             | .                     | .                      | .                          | .
Call Connected, padding not zero   | A(2,5)                    | A(3,4) binding-padding   | A(2,5)         | .             | .                     | .                      | .                          | .
Call Connected, wrong MAC          | A(2,5)                    | A(3,4) binding-mac       | A(2,5)         | .             | .                     | .                      | .                          | .
Call Abort                         | Abort2                    | Abort2                   | Abort2         | wait2         | .                     | Abort2                 | .                          | .
Call Disconnect                    | DiscAck                   | DiscAck                  | DiscAck        | .             | .                     | DiscAck                | .                          | .
Call Disconnect Ack                | A(2,5)                    | A(2,5)                   | A(2,5)         | .             | .                     | CLEAN                  | .                          | .
Echo Request                       | Echo                      | Echo                     | Echo+          | .             | .                     | .                      | .                          | .
Echo Response                      | .                         | .                        | .+             | .             | .                     | .                      | .                          | .
invalid control message            | A(2,7)                    | A(2,7)                   | A(2,7)         | .             | .                     | .                      | .                          | .
unknown control message            | A(2,7)                    | A(2,7)                   | A(2,7)         | .             | .                     | .                      | .                          | .
PPP control frame received         | drop                      | pass                     | pass+          | drop          | drop                  | drop                   | drop                       | drop
PPP data frame received            | drop                      | drop                     | pass+          | drop          | drop                  | drop                   | drop                       | drop
PPP control frame to send          | drop                      | pass                     | pass           | drop          | drop                  | drop                   | drop                       | drop
PPP data frame to send             | drop                      | drop                     | pass           | drop          | drop                  | drop                   | drop                       | drop
PPP authentication succeeded       | .                         | .                        | .              | .             | .                     | .                      | .                          | .
local disconnect                   | Disc                      | Disc                     | Disc           | .             | .                     | .                      | .                          | .
timer expires                      | CLEAN negotiation-timeout | A(2,8)                   | Probe          | CLEAN         | CLEAN                 | CLEAN                  | CLEAN                      | -
Hello expires, probe outstanding   | -                         | -                        | CLEAN hello-timeout | -        | -                     | -                      | -                          | -
time passes, no timer is due       | .                         | .                        | .              | .             | .                     | .                      | .                          | .
HTTPS disconnected, delineation failed| gone connection-lost      | gone connection-lost     | gone connection-lost | gone    | gone                  | gone                   | gone                       | .
`;

const STATES: Readonly<Record<ServerState, Column<SstpServerCall>>> = {
  ServerConnectRequestPending: { head: 'Request_Pending', prepare: () => prepare(false) },
  ServerCallConnectedPending: { head: 'Connected_Pending', prepare: () => prepare(true, toConnectedPending) },
  ServerCallConnected: { head: 'Call_Connected', prepare: () => prepare(true, toConnectedPending, toCallConnected) },
  CallAbortPending: { head: 'Abort_Pending', prepare: () => ending('unexpected-message', receive(CONNECT_REQUEST)) },
  CallAbortTimeoutPending: { head: 'Abort_Timeout_Pending', prepare: () => ending('peer-abort', receive(CALL_ABORT)) },
  CallDisconnectAckPending: {
    head: 'Disconnect_Ack_Pending',
    prepare: () => ending('local-disconnect', call => call.disconnect(ENTERED_AT)),
  },
  CallDisconnectTimeoutPending: {
    head: 'Disconnect_Timeout_Pending',
    prepare: () => ending('peer-disconnect', receive(CALL_DISCONNECT)),
  },
  ServerCallDisconnected: {
    head: 'Disconnected',
    prepare: () => prepare(false, toConnectedPending, call => call.disconnected()),
  },
};

type Step = (call: SstpServerCall) => void;

const EVENTS: Readonly<Record<string, Event<SstpServerCall>>> = {
  'Connect Request, acceptable': message(CONNECT_REQUEST),
  'Connect Request, unacceptable': message(CONNECT_REQUEST_FOR_ANOTHER_PROTOCOL),
  'the same over the limit': { happen: overTheNakLimit },
  'Connect Ack': message(CONNECT_ACK),
  'Connect Nak': message(CONNECT_NAK),
  'Call Connected, valid, SHA-256': message(CALL_CONNECTED_SHA256),
  'Call Connected, valid, SHA-1': message(CALL_CONNECTED_SHA1),
  'Call Connected, no attribute': message(control(MessageType.CallConnected)),
  'Call Connected, attribute too short': message(
    control(MessageType.CallConnected, { id: 3, value: CALL_CONNECTED_SHA256.slice(12, 111) }),
  ),
  'Call Connected, Status Info': message(
    control(
      MessageType.CallConnected,
      { id: 3, value: CALL_CONNECTED_SHA256.slice(12) },
      statusInfo(3, Status.ValueNotSupported),
    ),
  ),
  'Call Connected, wrong hash protocol': message(flipped(CALL_CONNECTED_SHA256, HASH_PROTOCOL_AT, 0x01)),
  'Call Connected, wrong nonce': message(flipped(CALL_CONNECTED_SHA256, NONCE_AT)),
  'Call Connected, wrong certificate': message(flipped(CALL_CONNECTED_SHA256, CERTIFICATE_HASH_AT)),
  'Call Connected, padding not zero': message(flipped(CALL_CONNECTED_SHA1, CERTIFICATE_HASH_AT + 20)),
  'Call Connected, wrong MAC': message(flipped(CALL_CONNECTED_SHA256, COMPOUND_MAC_AT)),
  'Call Abort': message(CALL_ABORT),
  'Call Disconnect': message(CALL_DISCONNECT),
  'Call Disconnect Ack': message(CALL_DISCONNECT_ACK),
  'Echo Request': message(ECHO_REQUEST),
  'Echo Response': message(ECHO_RESPONSE),
  'invalid control message': message(MALFORMED_MESSAGE),
  'unknown control message': message(UNKNOWN_MESSAGE),
  'PPP control frame received': { happen: (call, now) => (call.heard(now), filter(call.passesControlFrames)) },
  'PPP data frame received': { happen: (call, now) => (call.heard(now), filter(call.passesDataFrames)) },
  'PPP control frame to send': { happen: call => filter(call.passesControlFrames) },
  'PPP data frame to send': { happen: call => filter(call.passesDataFrames) },
  'PPP authentication succeeded': { happen: (call, now) => call.authenticated(HLAK.slice(), now) },
  'local disconnect': { happen: (call, now) => call.disconnect(now) },
  'timer expires': { atDeadline: true, happen: (call, now) => call.handleTimeout(now) },
  'Hello expires, probe outstanding': { happen: expireTwice },
  'time passes, no timer is due': { happen: (call, now) => call.handleTimeout(now) },
  'HTTPS disconnected, delineation failed': { happen: call => call.disconnected() },
};

let recorder = new CallRecorder();

describe('server call', () => runTable({ name: 'Server', malformed: 'binding-malformed' }, TABLE, STATES, EVENTS));

function prepare(linkIsUp: boolean, ...steps: Step[]): Prepared<SstpServerCall> {
  recorder = new CallRecorder();
  const call = new SstpServerCall(recorder, {
    hashProtocols: HashProtocol.Sha1 | HashProtocol.Sha256,
    certificateHash: certificateHashOf,
    random: () => NONCE.slice(),
    negotiationTimeoutMs: NEGOTIATION_MS,
    helloIntervalMs: HELLO_MS,
  });
  call.accept(ENTERED_AT);
  for (const step of steps) step(call);
  recorder.take();
  return { call, recorder, linkIsUp };
}

/** A call that is ending, from Call_Connected. */
function ending(reason: string, step: Step): Prepared<SstpServerCall> {
  return { ...prepare(true, toConnectedPending, toCallConnected, step), reason };
}

function toConnectedPending(call: SstpServerCall): void {
  call.receiveControl(CONNECT_REQUEST, ENTERED_AT);
  call.authenticated(HLAK.slice(), ENTERED_AT);
}

function toCallConnected(call: SstpServerCall): void {
  call.receiveControl(CALL_CONNECTED_SHA256, ENTERED_AT);
}

function receive(packet: Uint8Array): Step {
  return call => call.receiveControl(packet, ENTERED_AT);
}

function message(packet: Uint8Array): Event<SstpServerCall> {
  return { happen: (call, now) => call.receiveControl(packet, now) };
}

function filter(passes: boolean): string {
  return passes ? 'pass' : 'drop';
}

function overTheNakLimit(call: SstpServerCall, now: number): void {
  for (let naks = 0; naks < 3 && call.state === 'ServerConnectRequestPending'; naks += 1) {
    call.receiveControl(CONNECT_REQUEST_FOR_ANOTHER_PROTOCOL, ENTERED_AT);
  }
  recorder.take();
  call.receiveControl(CONNECT_REQUEST_FOR_ANOTHER_PROTOCOL, now);
}

function expireTwice(call: SstpServerCall): void {
  call.handleTimeout(call.deadline);
  recorder.take();
  call.handleTimeout(call.deadline);
}
