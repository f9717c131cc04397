/**
 * Runs a transition table, written as text with one row for each event and one column for each state, against a call.
 * The table must be complete: each known event has exactly one row, each row a cell for every state.
 *
 *   .                the event is ignored: nothing happens, the timer goes on
 *   -                the event cannot occur in this state
 *   Ack              Call Connect Ack, lower-link-up, Negotiation restarted, -> Call_Connected_Pending
 *   Nak              Call Connect Nak, state and timer stay
 *   Request          Call Connect Request (again), Negotiation restarted
 *   PPP              lower-link-up, Negotiation restarted, -> Connect_Ack_Received
 *   Up               crypto binding stands, Hello started, -> Call_Connected
 *   Up!              the same, after sending Call Connected
 *   Probe            Echo Request, Hello restarted
 *   Echo             Echo Response; with '+' the Hello timer restarts too
 *   A(a,s)           Call Abort with Status Info (a,s), ABORT_1, -> Call_Abort_Pending; a word behind it is the local reason
 *   Abort2           the peer's Abort is answered, ABORT_2, -> Call_Abort_Timeout_Pending
 *   wait2            the same without sending
 *   DiscAck          Call Disconnect Ack, DISCONNECT_2, -> Call_Disconnect_Timeout_Pending
 *   Disc             Call Disconnect (0,0), DISCONNECT_1, -> Call_Disconnect_Ack_Pending
 *   CLEAN            lower-link-down, HTTPS closed, no timer, -> Call_Disconnected; a word behind it is the reason
 *   gone             the same without closing HTTPS
 *   pass, drop       what the frame filter does; with '+' the Hello timer restarts too
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallRecorder } from './call-recorder.ts';

export const NEGOTIATION_MS = 60_000;
export const HELLO_MS = 50_000;
/** When the state of a column was entered, and when the event happens: a restarted timer shows, and none has expired. */
export const ENTERED_AT = 9_900;
const EVENT_AT = 10_000;

interface Call {
  readonly state: string;
  readonly deadline: number;
  handleTimeout(now: number): void;
}

/** A call in the state of a column, with its recorder emptied, and the reason why it is ending if it is. */
export interface Prepared<C extends Call> {
  readonly call: C;
  readonly recorder: CallRecorder;
  readonly reason?: string;
  /** True once lower-link-up was signalled. */
  readonly linkIsUp: boolean;
}

export interface Event<C> {
  /** The event is the expiry of the state's timer. */
  readonly atDeadline?: true;
  /** Lets it happen; a text that is returned counts as an effect. */
  happen(call: C, now: number): string | void;
}

/** One state: the head of its column, and a way to a call in it. */
export interface Column<C extends Call> {
  readonly head: string;
  prepare(): Prepared<C>;
}

/** What tells the two roles' tables apart. */
export interface Role {
  /** What stands in front of Call_Connected and Call_Disconnected in the state names. */
  readonly name: 'Server' | 'Client';
  /** The reason behind A(2,9). */
  readonly malformed: string;
}

export function runTable<C extends Call>(
  role: Role,
  table: string,
  states: Readonly<Record<string, Column<C>>>,
  events: Readonly<Record<string, Event<C>>>,
): void {
  const columns = Object.entries(states);
  const [head = [], ...rows] = table
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(line => line.split('|').map(cell => cell.trim()));

  test('the table has a row for each event and a column for each state', () => {
    assert.deepEqual(
      head.slice(1),
      columns.map(([, column]) => column.head),
    );
    assert.equal(rows.length, Object.keys(events).length);
    assert.deepEqual(new Set(rows.map(([event]) => event)), new Set(Object.keys(events)));
    for (const row of rows) assert.equal(row.length, head.length, `cells of '${row[0]}'`);
  });

  for (const [name = '', ...cells] of rows) {
    test(name, () => {
      const event = events[name];
      assert.ok(event !== undefined);
      for (const [index, [state, column]] of columns.entries()) {
        const prepared = column.prepare();
        assert.equal(prepared.call.state, state);
        const cell = cells[index] ?? '';
        if (cell !== '-') checkCell(role, cell, prepared, event, `in ${state}`);
      }
    });
  }
}

function checkCell<C extends Call>(
  role: Role,
  cell: string,
  prepared: Prepared<C>,
  event: Event<C>,
  where: string,
): void {
  const { call, recorder } = prepared;
  const before = { state: call.state, deadline: call.deadline };
  const now = event.atDeadline === true ? before.deadline : EVENT_AT;
  const answer = event.happen(call, now);
  const effects = recorder.take();
  if (typeof answer === 'string') effects.push(answer);
  const wanted = expectation(role, cell.replace('+', ''), prepared, before, now);
  assert.deepEqual({ effects, state: call.state, deadline: call.deadline }, wanted, `${cell} ${where}`);

  if (!cell.endsWith('+')) return;
  call.handleTimeout(before.deadline);
  assert.deepEqual(recorder.take(), [], `Hello was restarted ${where}`);
  assert.equal(call.deadline, now + HELLO_MS, `Hello was restarted ${where}`);
}

interface Expectation {
  readonly effects: readonly string[];
  readonly state: string;
  readonly deadline: number;
}

function expectation(
  role: Role,
  cell: string,
  { reason: first, linkIsUp }: { readonly reason?: string; readonly linkIsUp: boolean },
  before: { readonly state: string; readonly deadline: number },
  now: number,
): Expectation {
  const [action = '', word] = cell.split(' ');
  const closing = (reason: string): string[] => (first === undefined ? [`closing(${reason})`] : []);
  const over = (...effects: string[]): Expectation => ({
    effects: [...(linkIsUp ? [`lowerLinkDown(${first ?? word})`] : []), ...effects],
    state: `${role.name}CallDisconnected`,
    deadline: Number.POSITIVE_INFINITY,
  });
  const connected = (...sent: string[]): Expectation => ({
    effects: [...sent, 'callConnected'],
    state: `${role.name}CallConnected`,
    deadline: now + HELLO_MS,
  });
  const abort = /^A\((\d),(\d)\)$/.exec(action);
  if (abort !== null) {
    const status = `(${abort[1]},${abort[2]})`;
    return {
      effects: [`CallAbort${status}`, ...closing(word ?? reasonOf(status, role))],
      state: 'CallAbortPending',
      deadline: now + 3_000,
    };
  }
  switch (action) {
    case '.':
      return { effects: [], ...before };
    case 'pass':
    case 'drop':
      return { effects: [action], ...before };
    case 'Ack':
      return {
        effects: ['CallConnectAck', 'lowerLinkUp'],
        state: 'ServerCallConnectedPending',
        deadline: now + NEGOTIATION_MS,
      };
    case 'Nak':
      return { effects: ['CallConnectNak(1,4)'], ...before };
    case 'Request':
      return {
        effects: ['CallConnectRequest'],
        state: 'ClientConnectRequestSent',
        deadline: now + NEGOTIATION_MS,
      };
    case 'PPP':
      return { effects: ['lowerLinkUp'], state: 'ClientConnectAckReceived', deadline: now + NEGOTIATION_MS };
    case 'Up':
      return connected();
    case 'Up!':
      return connected('CallConnected');
    case 'Probe':
      return { effects: ['EchoRequest'], state: before.state, deadline: now + HELLO_MS };
    case 'Echo':
      return { effects: ['EchoResponse'], ...before };
    case 'Abort2':
      return {
        effects: ['CallAbort(2,7)', ...closing('peer-abort')],
        state: 'CallAbortTimeoutPending',
        deadline: now + 1_000,
      };
    case 'wait2':
      return { effects: [], state: 'CallAbortTimeoutPending', deadline: now + 1_000 };
    case 'DiscAck':
      return {
        effects: ['CallDisconnectAck', ...closing('peer-disconnect')],
        state: 'CallDisconnectTimeoutPending',
        deadline: now + 1_000,
      };
    case 'Disc':
      return {
        effects: ['CallDisconnect(0,0)', ...closing('local-disconnect')],
        state: 'CallDisconnectAckPending',
        deadline: now + 5_000,
      };
    case 'CLEAN':
      return over(`closeConnection(${first ?? word})`);
    case 'gone':
      return over();
    default:
      throw new Error(`no meaning for the cell '${cell}'`);
  }
}

function reasonOf(status: string, role: Role): string {
  switch (status) {
    case '(2,5)':
      return 'unexpected-message';
    case '(2,6)':
      return 'nak-limit';
    case '(2,7)':
      return 'invalid-message';
    case '(2,8)':
      return 'negotiation-timeout';
    case '(2,9)':
      return role.malformed;
    case '(4,4)':
      return 'no-common-hash';
    default:
      throw new Error(`the cell must name the reason for ${status}`);
  }
}
