/** Server tunnel against client tunnel: the whole of SSTP and PPP, in virtual time. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ControlCode } from '../../src/wire/control-protocol.ts';
import { PppProtocol } from '../../src/wire/ppp.ts';
import type { LinkConditions } from './virtual-link.ts';
import { NETWORK, TunnelPair, USER } from './tunnel-pair.ts';

const PERFECT: LinkConditions = { latencyMs: 10, jitterMs: 0, loss: 0 };
const MINUTE = 60_000;
const METHODS = ['pap', 'chap', 'mschapv2', 'eap'] as const;
const LCP_TERMINATE = `Lcp ${ControlCode.TerminateRequest}`;
const LCP_TERMINATE_ACK = `Lcp ${ControlCode.TerminateAck}`;

describe('a tunnel', () => {
  for (const method of METHODS) {
    test(`comes up with ${method}, stays up, and goes down in good order`, () => {
      const pair = new TunnelPair(1, PERFECT, { method });
      pair.start();
      assert.equal(pair.link.drive(10 * MINUTE), false);
      assert.deepEqual(pair.serverEnd.events, [`authenticated ${USER} ${method}`, 'up']);
      assert.deepEqual(pair.clientEnd.events, ['up']);
      assert.deepEqual(pair.serverEnd.network, NETWORK);
      assert.deepEqual(pair.clientEnd.network, NETWORK);
      assert.deepEqual([pair.client.passesData, pair.server.passesData], [true, true]);

      pair.client.end('terminated', pair.link.now);
      assert.deepEqual([pair.client.passesData, pair.client.state], [false, 'closing']);
      assert.equal(pair.link.drive(MINUTE), true, 'idle afterwards');
      assert.deepEqual(pair.states(), ['closed', 'closed']);
      assert.deepEqual(pair.clientEnd.events, ['up', 'closing terminated', 'close terminated']);
      // The client's Call Disconnect overtakes the wait that RFC 1661 prescribes behind a Terminate-Ack, not the reason.
      assert.deepEqual(pair.serverEnd.events.slice(2), ['closing peer-terminate']);
      assert.ok(pair.wire.includes(`S ${LCP_TERMINATE_ACK}`) && pair.wire.includes('S CallDisconnectAck'));
    });

    test(`with ${method} and a wrong password ends with the failure, LCP Terminate and Call Disconnect`, () => {
      const pair = new TunnelPair(1, PERFECT, { method, password: 'guess' });
      pair.start();
      assert.equal(pair.link.drive(MINUTE), true);
      assert.deepEqual(pair.states(), ['closed', 'closed']);
      assert.deepEqual(pair.serverEnd.events.slice(0, 1), ['closing auth-failed']);
      assert.deepEqual(pair.clientEnd.events.slice(0, 1), ['closing auth-failed']);
      assert.equal(pair.client.endReason, 'auth-failed');
      const failure = { pap: 'S Pap 3', chap: 'S Chap 4', mschapv2: 'S Chap 4', eap: 'S Eap 4' }[method];
      const farewell = [failure, `S ${LCP_TERMINATE}`, 'S CallDisconnect(0,0)'];
      assert.deepEqual(
        pair.wire.filter(entry => farewell.includes(entry)),
        farewell,
      );
    });
  }

  test('is up once with the first network protocol, and passes packets of each from its own opening on', () => {
    const pair = new TunnelPair(1, PERFECT, { families: [4, 6] });
    pair.start();
    // IPv6CP needs one round, IPCP two.
    while (pair.server.state !== 'up') pair.link.drive(1);
    assert.deepEqual([pair.server.passes(4), pair.server.passes(6)], [false, true]);
    pair.link.drive(1000);
    for (const end of [pair.serverEnd, pair.clientEnd]) assert.deepEqual(end.families, new Set([6, 4]));
    assert.deepEqual(pair.serverEnd.events.slice(1), ['up']);
    assert.deepEqual([pair.client.passes(4), pair.client.passes(6)], [true, true]);
  });

  test('lives with one family when the other is refused or closes, and says so', () => {
    const only6 = new TunnelPair(1, PERFECT, { families: [6] });
    only6.bringUp();
    assert.deepEqual([...only6.serverEnd.families, ...only6.clientEnd.families], [6, 6]);
    assert.deepEqual([only6.client.mayPass(4), only6.client.mayPass(6)], [false, true]);

    const both = new TunnelPair(1, PERFECT, { families: [4, 6] });
    both.bringUp();
    both.link.drive(1000);
    const terminate = Uint8Array.of(ControlCode.TerminateRequest, 9, 0, 4);
    both.server.receiveFrame(PppProtocol.Ipv6cp, terminate, both.link.now);
    assert.deepEqual([both.server.state, both.server.passes(4), both.server.passes(6)], ['up', true, false]);
    assert.deepEqual(both.serverEnd.families, new Set([4]));
    both.server.receiveFrame(PppProtocol.Ipcp, terminate, both.link.now);
    assert.deepEqual([both.server.state, both.server.endReason], ['closing', 'no-network-protocol']);
  });

  test('keeps its reason when the refused client just hangs up, as sstpc does', () => {
    const pair = new TunnelPair(1, PERFECT, { password: 'guess' });
    pair.start();
    while (!pair.wire.includes('S Chap 4')) pair.link.drive(1);
    pair.serverEnd.hangUp(pair.server);
    assert.equal(pair.server.endReason, 'auth-failed');
  });

  test('tells a client why it was refused also when the server hangs up right behind the failure', () => {
    const pair = new TunnelPair(1, PERFECT, { password: 'guess' });
    pair.start();
    while (!pair.wire.includes(`C ${LCP_TERMINATE}`)) pair.link.drive(1);
    pair.clientEnd.hangUp(pair.client);
    assert.equal(pair.client.endReason, 'auth-failed');
    assert.equal(pair.client.authFailure?.code, 691);
  });

  test('tells the client why it was refused', () => {
    const pair = new TunnelPair(1, PERFECT, { password: 'guess' });
    pair.start();
    pair.link.drive(MINUTE);
    assert.equal(pair.client.authFailure?.code, 691);
  });

  test('starts with SSTP, and PPP does not speak before the Call Connect Ack', () => {
    const pair = new TunnelPair(1, PERFECT);
    pair.bringUp();
    assert.deepEqual(pair.wire.slice(0, 2), ['C CallConnectRequest', 'S CallConnectAck']);
    assert.ok(pair.wire.indexOf('C CallConnected') > pair.wire.indexOf('S Chap 3'), 'after the CHAP Success');
    const firstIpcp = pair.wire.findIndex(entry => entry.startsWith('C Ipcp'));
    assert.ok(pair.wire.indexOf('C CallConnected') < firstIpcp, 'before the first frame of IPCP');
  });

  test('is not up while Call Connected is missing, even with IPCP open', () => {
    const pair = new TunnelPair(1, PERFECT);
    pair.gate = entry => entry !== 'C CallConnected';
    pair.start();
    pair.link.drive(30_000);
    assert.deepEqual(pair.states(), ['up', 'authenticating']);
    assert.equal(pair.server.passesData, false);
    assert.ok(pair.wire.includes('S Ipcp 2'), 'IPCP is negotiated');
    assert.equal(pair.link.drive(MINUTE), true);
    assert.equal(pair.server.endReason, 'negotiation-timeout');
    assert.ok(!pair.serverEnd.events.includes('up'));
  });

  test('filters data frames until the call is connected, and PPP answers them from then on', () => {
    const pair = new TunnelPair(1, PERFECT);
    const protocolReject = `S Lcp ${ControlCode.ProtocolReject}`;
    pair.gate = entry => entry !== 'C CallConnected';
    pair.start();
    pair.link.drive(10_000);
    assert.ok(pair.wire.includes('S Ipcp 2'), 'PPP is in its network phase');
    pair.server.receiveFrame(PppProtocol.CompressedDatagram, new Uint8Array(40), pair.link.now);
    assert.ok(!pair.wire.includes(protocolReject));

    const connected = new TunnelPair(1, PERFECT);
    connected.bringUp();
    connected.server.receiveFrame(PppProtocol.CompressedDatagram, new Uint8Array(40), connected.link.now);
    assert.ok(connected.wire.includes(protocolReject));
  });

  test('holds data back while the peer negotiates IPCP again, and is announced once', () => {
    const pair = new TunnelPair(1, PERFECT);
    pair.bringUp();
    const configureRequest = Uint8Array.of(1, 0x77, 0, 10, 3, 6, 10, 66, 0, 5);
    pair.server.receiveFrame(PppProtocol.Ipcp, configureRequest, pair.link.now);
    assert.deepEqual([pair.server.state, pair.server.passesData], ['up', false]);
    pair.link.drive(10_000);
    assert.deepEqual([pair.server.state, pair.server.passesData], ['up', true]);
    assert.equal(pair.serverEnd.events.filter(event => event === 'up').length, 1);
  });

  test('takes an SSTP control packet for a sign of life in PPP too', () => {
    const pair = new TunnelPair(1, PERFECT);
    pair.bringUp();
    const echoes = (): number => pair.wire.filter(entry => entry === `S Lcp ${ControlCode.EchoRequest}`).length;
    pair.gate = () => false;
    const before = echoes();
    for (let step = 0; step < 8; step += 1) {
      pair.link.drive(9_000);
      pair.server.receiveControl(Uint8Array.of(0x10, 0x01, 0, 8, 0, 9, 0, 0), pair.link.now);
    }
    assert.equal(echoes(), before, 'no LCP echo was due');
    assert.equal(pair.server.state, 'up');
  });

  test('with another certificate in between is aborted before it is up, and only the server knows why', () => {
    const pair = new TunnelPair(1, PERFECT, { seenCertificate: 'that of somebody in the middle' });
    pair.start();
    assert.equal(pair.link.drive(MINUTE), true);
    assert.ok(pair.wire.includes('S CallAbort(3,4)'));
    assert.ok(!pair.serverEnd.events.includes('up'));
    assert.equal(pair.server.endReason, 'binding-certificate');
    assert.equal(pair.client.endReason, 'peer-abort');
    assert.ok(!pair.wire.includes(`S ${LCP_TERMINATE}`), 'an abort takes PPP down without a word');
  });

  test('is ended by the owner with LCP Terminate, then Call Disconnect', () => {
    const pair = new TunnelPair(1, PERFECT);
    pair.bringUp();
    const before = pair.wire.length;
    pair.server.end('admin', pair.link.now);
    pair.server.end('drain', pair.link.now);
    assert.equal(pair.link.drive(MINUTE), true);
    assert.deepEqual(pair.wire.slice(before, before + 3), [
      `S ${LCP_TERMINATE}`,
      `C ${LCP_TERMINATE_ACK}`,
      'S CallDisconnect(0,0)',
    ]);
    assert.deepEqual(pair.serverEnd.events.slice(-2), ['closing admin', 'close admin']);
  });

  test('ends soon although the peer does not answer any more', () => {
    const pair = new TunnelPair(1, PERFECT);
    pair.bringUp();
    pair.link.conditions = { ...PERFECT, loss: 1 };
    const start = pair.link.now;
    pair.server.end('drain', start);
    while (pair.server.state !== 'closed') pair.link.drive(100);
    assert.ok(pair.wire.includes('S CallDisconnect(0,0)'));
    assert.ok(pair.link.now - start <= 3_000 + 5_000 + 100, `took ${pair.link.now - start} ms`);
    assert.deepEqual(pair.serverEnd.events.slice(-2), ['closing drain', 'close drain']);
  });

  test('that is ended before PPP runs says Call Disconnect only', () => {
    const pair = new TunnelPair(1, PERFECT);
    pair.server.accept(0);
    pair.server.end('drain', 0);
    assert.deepEqual(pair.wire, ['S CallDisconnect(0,0)']);
    pair.server.handleTimeout(5_000);
    assert.deepEqual(pair.serverEnd.events, ['closing drain', 'close drain']);
    assert.equal(pair.server.deadline, Number.POSITIVE_INFINITY);
  });

  test('ignores a verdict that comes after its end', () => {
    const pair = new TunnelPair(1, PERFECT, { verdictDelayMs: 5_000 });
    pair.start();
    pair.link.drive(3_000);
    assert.equal(pair.server.state, 'authenticating');
    pair.serverEnd.hangUp(pair.server);
    pair.link.drive(MINUTE);
    assert.equal(pair.server.state, 'closed');
    assert.deepEqual(pair.serverEnd.events, []);
  });

  for (const method of METHODS) {
    test(`waits with ${method} for a verdict that takes 50 of its 60 seconds`, () => {
      const pair = new TunnelPair(1, PERFECT, { method, verdictDelayMs: 50_000 });
      pair.start();
      pair.link.drive(49_000);
      assert.deepEqual(pair.states(), ['authenticating', 'authenticating']);
      pair.link.drive(3_000);
      assert.deepEqual(pair.states(), ['up', 'up']);
    });
  }

  test('answers Echo while a verdict takes minutes that the configuration gives it', () => {
    const pair = new TunnelPair(1, PERFECT, { verdictDelayMs: 170_000, authTimeoutMs: 3 * MINUTE });
    // The client of this pair has asked nothing and takes no answer. sstpc asks, and gives up when nobody answers.
    pair.gate = entry => entry !== 'S EchoResponse';
    pair.start();
    for (const answers of [1, 2]) {
      pair.link.drive(MINUTE);
      pair.server.receiveControl(Uint8Array.of(0x10, 0x01, 0, 8, 0, 8, 0, 0), pair.link.now);
      assert.equal(pair.wire.filter(entry => entry === 'S EchoResponse').length, answers);
    }
    assert.equal(pair.server.state, 'authenticating');
    pair.link.drive(MINUTE);
    assert.deepEqual(pair.states(), ['up', 'up']);
  });

  test('takes a verdict with several keys, and the client may have used another than the first', () => {
    const pair = new TunnelPair(1, PERFECT, { hlak: new Uint8Array(32).fill(1) });
    pair.bringUp();
  });

  test('can say how the client described itself', () => {
    const pair = new TunnelPair(1, PERFECT);
    pair.bringUp();
    const text = Uint8Array.of(12, 9, 0, 18, 0, 0, 0, 0, ...new TextEncoder().encode('MSRASV5.20'));
    pair.server.receiveFrame(PppProtocol.Lcp, text, pair.link.now);
    assert.deepEqual(pair.server.identification, ['MSRASV5.20']);
  });

  test('without a verdict ends, within the negotiation time', () => {
    const pair = new TunnelPair(1, PERFECT, { verdictDelayMs: Number.POSITIVE_INFINITY });
    pair.start();
    assert.equal(pair.link.drive(2 * MINUTE), true);
    assert.deepEqual(pair.states(), ['closed', 'closed']);
    assert.ok(['auth-timeout', 'negotiation-timeout'].includes(pair.server.endReason ?? ''), pair.server.endReason);
  });

  test('notices a peer that is gone without a word', () => {
    const pair = new TunnelPair(1, PERFECT);
    pair.bringUp();
    pair.link.conditions = { ...PERFECT, loss: 1 };
    assert.equal(pair.link.drive(5 * MINUTE), true);
    for (const tunnel of [pair.client, pair.server]) {
      assert.ok(['echo-timeout', 'hello-timeout'].includes(tunnel.endReason ?? ''), tunnel.endReason);
    }
  });

  test('without LCP echoes notices it by SSTP Hello, and closes without a word', () => {
    const pair = new TunnelPair(1, PERFECT, { lcpEchoMs: 0 });
    pair.bringUp();
    pair.link.conditions = { ...PERFECT, loss: 1 };
    assert.equal(pair.link.drive(5 * MINUTE), true);
    assert.deepEqual(pair.serverEnd.events.slice(-2), ['up', 'close hello-timeout']);
    assert.equal(pair.wire.filter(entry => entry.startsWith('S ')).at(-1), 'S EchoRequest');
  });

  test('that is disconnected at any moment is silent at once and has no timer', () => {
    const moments = Array.from({ length: 60 }, (_, index) => index * 5);
    for (const method of METHODS) {
      for (const moment of [...moments, 5_000, 40_000]) {
        const pair = new TunnelPair(1, PERFECT, { method });
        pair.start();
        pair.link.drive(moment);
        const events = [...pair.serverEnd.events];
        const sent = pair.wire.filter(entry => entry.startsWith('S ')).length;
        pair.serverEnd.hangUp(pair.server);
        assert.equal(pair.server.state, 'closed');
        assert.equal(pair.server.deadline, Number.POSITIVE_INFINITY);
        assert.equal(pair.server.passesData, false);
        pair.link.drive(10 * MINUTE);
        assert.deepEqual(pair.serverEnd.events, events);
        assert.equal(pair.wire.filter(entry => entry.startsWith('S ')).length, sent);
      }
    }
  });

  test('survives any packet from a hostile client, and ends for a reason or goes on', () => {
    for (let seed = 0; seed < 300; seed += 1) {
      const pair = new TunnelPair(seed, PERFECT);
      const { random } = pair.link;
      pair.start();
      pair.link.drive(random.below(200));
      for (let count = 0; count < 20; count += 1) {
        const bytes = random.bytes(random.below(200));
        if (random.chance(0.7)) bytes.set([0x10, 0x01, 0, bytes.length, 0, random.below(11)].slice(0, bytes.length));
        pair.server.receiveControl(bytes, pair.link.now);
        const protocols = [0xc021, 0xc023, 0xc223, 0xc227, 0x8021, 0x80fd, 0x0021, 0x00fd];
        pair.server.receiveFrame(
          protocols[random.below(protocols.length)] ?? 0,
          random.bytes(random.below(60)),
          pair.link.now,
        );
      }
      pair.link.drive(10 * MINUTE);
      const isClosed = pair.server.state === 'closed';
      assert.equal(pair.server.deadline === Number.POSITIVE_INFINITY, isClosed, `seed ${seed}`);
    }
  });
});

describe('a tunnel over a bad line', () => {
  const RUNS = 300;

  test(`is up on both ends or closed on both ends, and idle after its end (${RUNS} runs)`, () => {
    const outcomes = { up: 0, closed: 0 };
    for (let seed = 0; seed < RUNS; seed += 1) {
      const pair = new TunnelPair(
        seed,
        { latencyMs: 5, jitterMs: seed % 3 === 0 ? 1_000 : 50, loss: (seed % 8) * 0.05 },
        {
          method: METHODS[seed % METHODS.length] ?? 'pap',
          password: seed % 11 === 0 ? 'guess' : 'clientPass',
          verdictDelayMs: (seed % 5) * 700,
        },
      );
      const { random } = pair.link;
      pair.start();
      if (random.chance(0.1)) pair.link.after(random.below(MINUTE), now => pair.client.end('terminated', now));
      if (random.chance(0.1)) pair.link.after(random.below(MINUTE), now => pair.server.end('admin', now));
      if (random.chance(0.1)) pair.link.after(random.below(MINUTE), () => pair.serverEnd.hangUp(pair.server));
      pair.link.drive(2 * MINUTE);
      pair.link.conditions = PERFECT;
      const isIdle = pair.link.drive(10 * MINUTE);
      const states = pair.states().join(' and ');
      if (states === 'up and up') {
        outcomes.up += 1;
        pair.server.end('drain', pair.link.now);
        assert.equal(pair.link.drive(MINUTE), true, `seed ${seed}: idle after its end`);
        assert.deepEqual(pair.states(), ['closed', 'closed'], `seed ${seed}`);
      } else {
        outcomes.closed += 1;
        assert.equal(states, 'closed and closed', `seed ${seed}`);
        assert.equal(isIdle, true, `seed ${seed}: no timer is left`);
      }
      assert.ok(pair.clientEnd.isOver && pair.serverEnd.isOver, `seed ${seed}: both connections are closed or gone`);
    }
    assert.ok(outcomes.up > RUNS / 5 && outcomes.closed > RUNS / 10, JSON.stringify(outcomes));
  });
});
