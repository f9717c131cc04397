/** A client call and a server call over a wire that loses and delays, in virtual time. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SstpOutput } from '../../../src/protocol/sstp/call.ts';
import { SstpClientCall } from '../../../src/protocol/sstp/client-call.ts';
import type { CloseReason } from '../../../src/protocol/sstp/close-reason.ts';
import { SstpServerCall } from '../../../src/protocol/sstp/server-call.ts';
import { HashProtocol } from '../../../src/wire/sstp.ts';
import { VirtualLink, type LinkConditions } from '../virtual-link.ts';
import { certificateHashOf, HLAK } from './fixtures.ts';

const RUNS = 400;
const PERFECT: LinkConditions = { latencyMs: 10, jitterMs: 0, loss: 0 };
const MINUTE = 60_000;

describe('client call against server call', () => {
  test('over a perfect link both connect, keep each other awake with echoes, and go idle after a disconnect', () => {
    const pair = new Pair(1, PERFECT);
    pair.start();
    assert.equal(pair.link.drive(10 * MINUTE), false);
    assert.deepEqual(pair.states(), ['ClientCallConnected', 'ServerCallConnected']);

    pair.client.disconnect(pair.link.now);
    assert.equal(pair.link.drive(MINUTE), true);
    assert.deepEqual(pair.states(), ['ClientCallDisconnected', 'ServerCallDisconnected']);
    assert.equal(pair.clientEnd.closed, 'local-disconnect');
    assert.equal(pair.serverEnd.closed ?? pair.serverEnd.down, 'peer-disconnect');
  });

  test('different keys end in the same abort on both sides, and the server knows why', () => {
    const pair = new Pair(2, PERFECT);
    pair.clientKey = HLAK.map(byte => byte ^ 0xff);
    pair.start();
    assert.equal(pair.link.drive(MINUTE), true);
    assert.deepEqual(pair.states(), ['ClientCallDisconnected', 'ServerCallDisconnected']);
    assert.deepEqual([pair.clientEnd.down, pair.serverEnd.down], ['peer-abort', 'binding-mac']);
  });

  test(`whatever is lost or late, both are connected in the end or both are closed and idle (${RUNS} runs)`, () => {
    const outcomes = { connected: 0, closed: 0 };
    for (let seed = 0; seed < RUNS; seed += 1) {
      const pair = new Pair(seed, { latencyMs: 5, jitterMs: 2_000, loss: (seed % 10) * 0.04 });
      pair.startWithTrouble();
      pair.link.drive(5 * MINUTE);
      // The wire is mended: what was lost must now come to light by itself.
      pair.link.conditions = PERFECT;
      const isIdle = pair.link.drive(10 * MINUTE);
      const states = pair.states().join(' and ');
      if (states === 'ClientCallConnected and ServerCallConnected') {
        outcomes.connected += 1;
        assert.equal(isIdle, false, `seed ${seed}: connected calls have a Hello timer`);
        pair.server.disconnect(pair.link.now);
        assert.equal(pair.link.drive(MINUTE), true, `seed ${seed}: idle after the disconnect`);
      } else {
        outcomes.closed += 1;
        assert.equal(states, 'ClientCallDisconnected and ServerCallDisconnected', `seed ${seed}`);
        assert.equal(isIdle, true, `seed ${seed}: no timer is left`);
      }
      for (const end of [pair.clientEnd, pair.serverEnd]) end.check(`seed ${seed}`);
    }
    assert.ok(outcomes.connected > RUNS / 10 && outcomes.closed > RUNS / 10, JSON.stringify(outcomes));
  });
});

/** One side's output: sends over the link, and watches that the promises of `SstpOutput` are kept. */
class End implements SstpOutput {
  readonly #transmit: (packet: Uint8Array) => void;
  readonly #hangUp: () => void;
  /** Called when PPP may start. */
  onLinkUp: () => void = () => undefined;
  #links = 0;
  down: CloseReason | undefined;
  closed: CloseReason | undefined;
  isGone = false;

  constructor(transmit: (packet: Uint8Array) => void, hangUp: () => void) {
    this.#transmit = transmit;
    this.#hangUp = hangUp;
  }

  sendControl(packet: Uint8Array): void {
    assert.ok(!this.isGone && this.closed === undefined, 'nothing is sent after the end');
    this.#transmit(packet);
  }

  lowerLinkUp(): void {
    this.#links += 1;
    assert.equal(this.#links, 1, 'the link comes up once');
    this.onLinkUp();
  }

  callConnected(): void {
    assert.equal(this.#links, 1, 'PPP runs before the call is connected');
  }

  lowerLinkDown(reason: CloseReason): void {
    assert.equal(this.#links, 1, 'only a link that is up goes down');
    assert.equal(this.down, undefined, 'the link goes down once');
    this.down = reason;
  }

  closing(): void {
    assert.equal(this.closed, undefined);
  }

  closeConnection(reason: CloseReason): void {
    assert.ok(!this.isGone && this.closed === undefined, 'the connection is closed once');
    this.closed = reason;
    this.#hangUp();
  }

  /** At the end of a run. */
  check(run: string): void {
    assert.equal(this.down !== undefined, this.#links === 1, `${run}: a link that came up has gone down`);
    assert.ok(this.isGone || this.closed !== undefined, `${run}: the connection is gone or closed`);
  }
}

class Pair {
  readonly link: VirtualLink;
  readonly clientEnd: End;
  readonly serverEnd: End;
  readonly client: SstpClientCall;
  readonly server: SstpServerCall;
  clientKey = HLAK;

  constructor(seed: number, conditions: LinkConditions) {
    this.link = new VirtualLink(seed, conditions);
    const common = {
      hashProtocols: HashProtocol.Sha1 | HashProtocol.Sha256,
      certificateHash: certificateHashOf,
      random: (length: number) => this.link.random.bytes(length),
      negotiationTimeoutMs: MINUTE,
      helloIntervalMs: MINUTE,
    };
    this.clientEnd = new End(
      packet => this.link.carry('toServer', now => this.server.receiveControl(packet, now)),
      () => this.link.carry('toServer', () => this.#hangUp(this.server, this.serverEnd)),
    );
    this.serverEnd = new End(
      packet => this.link.carry('toClient', now => this.client.receiveControl(packet, now)),
      () => this.link.carry('toClient', () => this.#hangUp(this.client, this.clientEnd)),
    );
    this.client = new SstpClientCall(this.clientEnd, common);
    this.server = new SstpServerCall(this.serverEnd, common);
    this.link.attach(this.client, this.server);
  }

  /** The server authenticates the client half a second after PPP may start, and the client hears of it at once. */
  start(): void {
    this.serverEnd.onLinkUp = () =>
      this.link.after(500, now => {
        this.server.authenticated(HLAK.slice(), now);
        this.link.carry('toClient', at => this.client.authenticated(this.clientKey.slice(), at));
      });
    this.server.accept(this.link.now);
    this.client.start(this.link.now);
  }

  /** Each side learns the result of the authentication at a time of its own or never, and some calls are hung up early. */
  startWithTrouble(): void {
    const { random } = this.link;
    if (random.chance(0.1)) this.clientKey = random.bytes(32);
    const slow = random.chance(0.2) ? 90_000 : 3_000;
    this.serverEnd.onLinkUp = () =>
      this.link.after(random.below(slow), now => this.server.authenticated(HLAK.slice(), now));
    this.clientEnd.onLinkUp = () =>
      this.link.after(random.below(slow), now => this.client.authenticated(this.clientKey.slice(), now));
    if (random.chance(0.15)) this.link.after(random.below(2 * MINUTE), now => this.client.disconnect(now));
    if (random.chance(0.15)) this.link.after(random.below(2 * MINUTE), now => this.server.disconnect(now));
    if (random.chance(0.05)) this.link.after(random.below(2 * MINUTE), () => this.#hangUp(this.server, this.serverEnd));
    this.server.accept(this.link.now);
    this.link.after(random.below(100), now => this.client.start(now));
  }

  states(): [string, string] {
    return [this.client.state, this.server.state];
  }

  #hangUp(call: SstpClientCall | SstpServerCall, end: End): void {
    if (end.closed !== undefined) return;
    end.isGone = true;
    call.disconnected();
  }
}
