// Whatever a peer sends, in whatever phase: nothing throws, one frame causes a bounded number of frames, each of them fits
// into an SSTP packet, and time alone ends every link that does not come up.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { AuthMethod, EapMode } from '../../../src/protocol/ppp/credentials.ts';
import { MAX_INFORMATION_LENGTH } from '../../../src/wire/ppp.ts';
import { PppClient } from '../../../src/protocol/ppp/ppp-client.ts';
import { PppServer } from '../../../src/protocol/ppp/ppp-server.ts';

/** The most that one input has to say: a refused renegotiation is request, answer and Terminate-Request. */
const MAX_ANSWERS = 6;

const protocol = fc.oneof(
  fc.constantFrom(
    0xc021,
    0xc021,
    0xc021,
    0xc023,
    0xc223,
    0x8021,
    0x8021,
    0x80fd,
    0x8057,
    0x0021,
    0x00fd,
    0xc227,
    0xc227,
  ),
  fc.integer({ min: 0, max: 0xffff }),
);
const option = fc
  .tuple(
    fc.constantFrom(1, 2, 3, 5, 7, 13, 129, 130, 200),
    fc.oneof(
      fc.uint8Array({ maxLength: 8 }),
      fc.constantFrom([5, 120], [0, 0, 0, 0], [10, 0, 0, 7], [0xc2, 0x23, 0x81], [0xc0, 0x23], [1, 1, 1, 1]),
    ),
  )
  .map(([type, value]) => [type, value.length + 2, ...value]);
const packet = fc
  .tuple(
    fc.integer({ min: 0, max: 15 }),
    fc.integer({ min: 0, max: 8 }),
    fc.oneof(
      fc.array(option, { maxLength: 6 }).map(options => options.flat()),
      fc.uint8Array({ maxLength: 40 }),
    ),
  )
  .map(([code, id, data]) => Uint8Array.of(code, id, (data.length + 4) >> 8, (data.length + 4) & 0xff, ...data));
const information = fc.oneof(
  { weight: 6, arbitrary: packet },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 4000, maxLength: 4091 }) },
);
/** What to echo back of our own frames, which passes more checks than anything made up. */
const echo = fc.record({ kind: fc.constant('echo' as const), code: fc.integer({ min: 1, max: 6 }) });
const frame = fc.record({ kind: fc.constant('frame' as const), protocol, information });
const wait = fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(0, 500, 1000, 3000, 31_000) });
const verdict = fc.record({
  kind: fc.constant('verdict' as const),
  answer: fc.oneof(fc.boolean(), information),
});
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: frame },
    { weight: 6, arbitrary: echo },
    { weight: 2, arbitrary: wait },
    { weight: 1, arbitrary: verdict },
  ),
  { maxLength: 60 },
);

describe('hostile peers', () => {
  for (const [name, create] of [
    ['the server', () => newServer(['mschapv2', 'pap'])],
    ['a server that leads EAP', () => newServer(['eap', 'pap'])],
    ['a server that relays EAP', () => newServer(['eap', 'pap'], 'relay')],
    ['the client', () => newClient(['mschapv2', 'pap'])],
    ['a client with EAP', () => newClient(['eap', 'pap'])],
  ] as const) {
    test(`of ${name}`, () => {
      fc.assert(
        fc.property(steps, list => torment(create, list)),
        { numRuns: 400 },
      );
    });
  }

  test('one that floods an open link with requests meets a limit', () => {
    for (const target of [newServer(['mschapv2']), newClient(['mschapv2'])]) {
      for (let id = 0; id < 5000; id++) {
        target.machine.receive(0xc021, Uint8Array.of(1, id & 0xff, 0, 8, 1, 4, 0, 1), 0);
      }
      assert.ok(target.sent.length < 100, `${target.sent.length} frames`);
    }
  });
});

interface Target {
  readonly machine: PppServer | PppClient;
  readonly sent: { protocol: number; information: Uint8Array }[];
  readonly ended: string[];
}

type Step = typeof steps extends fc.Arbitrary<(infer T)[]> ? T : never;

function torment(create: () => Target, list: readonly Step[]): void {
  const target = create();
  let now = 0;
  const act = (run: () => void) => {
    const before = target.sent.length;
    run();
    assert.ok(target.sent.length - before <= MAX_ANSWERS, `${target.sent.length - before} frames at once`);
  };
  for (const step of list) {
    switch (step.kind) {
      case 'frame':
        act(() => target.machine.receive(step.protocol, step.information, now));
        break;
      case 'echo': {
        const last = target.sent.findLast(sent => sent.information.length >= 4);
        if (last === undefined) break;
        const copy = last.information.slice();
        copy[0] = step.code;
        act(() => target.machine.receive(last.protocol, copy, now));
        break;
      }
      case 'wait':
        now = pass(target, now, now + step.ms);
        break;
      case 'verdict':
        if (target.machine instanceof PppServer) giveVerdict(target.machine, step.answer, now);
        break;
      default:
        assert.fail(step satisfies never);
    }
  }
  for (const { information } of target.sent) assert.ok(information.length <= MAX_INFORMATION_LENGTH);
  // Left alone, it ends: the keepalive finds nobody there.
  pass(target, now, now + 600_000);
  assert.equal(target.ended.length, 1);
  assert.equal(target.machine.deadline, Number.POSITIVE_INFINITY);
}

function pass(target: Target, from: number, until: number): number {
  let now = from;
  for (let timers = 0; target.machine.deadline <= until; timers++) {
    assert.ok(timers < 1000, 'timers without end');
    now = Math.max(now, target.machine.deadline);
    target.machine.handleTimeout(now);
  }
  return until;
}

/** Yes, no, or a challenge with these bytes. */
function giveVerdict(server: PppServer, answer: boolean | Uint8Array, now: number): void {
  if (typeof answer !== 'boolean') return server.verdict({ kind: 'challenge', packet: answer }, now);
  const ipv4 = { address: 0x0a000007, gateway: 0x0a000001, dns: [], nbns: [] };
  server.verdict(
    answer
      ? { kind: 'accepted', hlak: new Uint8Array(32), message: 'S=', ipv4 }
      : { kind: 'rejected', code: 691, message: '' },
    now,
  );
}

const COMMON = {
  mru: 1400,
  lcpEcho: { intervalMs: 30_000, failures: 3 },
  authTimeoutMs: 30_000,
  random: (length: number) => new Uint8Array(length).fill(1),
};

function newServer(auth: readonly AuthMethod[], eap: EapMode = 'local'): Target {
  const [sent, ended]: [Target['sent'], string[]] = [[], []];
  const machine = new PppServer(
    {
      sendFrame: (number, bytes) => sent.push({ protocol: number, information: bytes }),
      verify: () => {},
      authenticated: () => {},
      authenticationFailed: () => {},
      networkUp: () => {},
      networkDown: () => {},
      ended: reason => ended.push(reason),
    },
    { ...COMMON, auth, eap, serverName: 'gw' },
  );
  machine.up(0);
  return { machine, sent, ended };
}

function newClient(auth: readonly AuthMethod[]): Target {
  const [sent, ended]: [Target['sent'], string[]] = [[], []];
  const machine = new PppClient(
    {
      sendFrame: (number, bytes) => sent.push({ protocol: number, information: bytes }),
      authenticated: () => {},
      networkUp: () => {},
      networkDown: () => {},
      ended: reason => ended.push(reason),
    },
    { ...COMMON, auth, user: 'alice', password: 'secret', requestDns: true },
  );
  machine.up(0);
  return { machine, sent, ended };
}
