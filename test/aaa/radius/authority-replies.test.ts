// Replies that no RADIUS server of a good family gives on request.
import { createHash } from 'node:crypto';
import { describe, test, type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { pino } from 'pino';
import type { Decision } from '../../../src/aaa/authority.ts';
import { RadiusAuthority } from '../../../src/aaa/radius/authority.ts';
import type { RadiusOptions } from '../../../src/config/radius-options.ts';
import { ZERO_HLAK } from '../../../src/crypto/crypto-binding.ts';
import { randomBytes } from '../../../src/crypto/random.ts';
import type { Credentials } from '../../../src/protocol/ppp/credentials.ts';
import { EapCode, encodeEapPacket } from '../../../src/wire/eap.ts';
import {
  type Attribute,
  integerValue,
  MicrosoftAttribute,
  RadiusAttribute,
  RadiusCode,
  RadiusVendor,
  readInteger,
  textValue,
  vendorAttribute,
} from '../../../src/wire/radius.ts';
import { decodeText } from '../../../src/wire/text.ts';
import {
  type Script,
  SCRIPTED_SECRET,
  type ScriptedRequest,
  ScriptedServer,
} from '../../radius-server/scripted-server.ts';
import { authSession } from './accounted-session.ts';
import { radiusOptions } from './radius-options.ts';

const PAP: Credentials = { kind: 'pap', user: 'alice', password: 'secret' };
const MS_CHAP_V2: Credentials = {
  kind: 'mschapv2',
  user: 'alice',
  id: 9,
  authenticatorChallenge: randomBytes(16),
  peerChallenge: randomBytes(16),
  ntResponse: randomBytes(24),
};
const KEY = Uint8Array.from({ length: 32 }, (_, at) => at + 1);
const SUCCESS = `S=${'0123456789'.repeat(4)}`;

describe('an Access-Accept for MS-CHAPv2', () => {
  const success = microsoft(MicrosoftAttribute.MsChap2Success, Uint8Array.of(9, ...textValue(SUCCESS)));
  const cases: [name: string, attributes: (request: ScriptedRequest) => Attribute[], reason: string][] = [
    ['without MS-CHAP2-Success', request => keys(request, KEY, KEY), 'radius-no-mschap2-success'],
    [
      'with an MS-CHAP2-Success that is too short',
      request => [
        microsoft(MicrosoftAttribute.MsChap2Success, Uint8Array.of(9, ...textValue(SUCCESS.slice(0, -1)))),
        ...keys(request, KEY, KEY),
      ],
      'radius-no-mschap2-success',
    ],
    ['without keys', () => [success], 'radius-no-keys'],
    ['with one key of two', request => [success, ...keys(request, KEY, KEY).slice(0, 1)], 'radius-no-keys'],
    [
      'with keys that are no whole blocks',
      () => [
        success,
        microsoft(MicrosoftAttribute.MsMppeRecvKey, new Uint8Array(33)),
        microsoft(MicrosoftAttribute.MsMppeSendKey, new Uint8Array(33)),
      ],
      'radius-unreadable-keys',
    ],
  ];
  for (const [name, attributes, reason] of cases) {
    test(`${name} is a rejection: ${reason}`, async t => {
      const { radius } = await setup(t, request => {
        request.send(request.reply(RadiusCode.AccessAccept, attributes(request)));
      });
      assert.deepEqual(await decide(radius, MS_CHAP_V2), { kind: 'rejected', reason });
    });
  }

  test('gives the keys in the order of the client, and a text that is not too long', async t => {
    const [receive, send] = [KEY.slice(0, 16), KEY.slice(16)];
    const { radius } = await setup(t, request => {
      const text = { type: RadiusAttribute.ReplyMessage, value: textValue('\u{fc}'.repeat(120)) };
      const content = [success, ...keys(request, receive, send), text];
      request.send(request.reply(RadiusCode.AccessAccept, content));
    });
    const decision = await decide(radius, MS_CHAP_V2);
    assert.ok(decision.kind === 'accepted');
    assert.deepEqual(decision.hlak, KEY);
    assert.equal(decision.message, `${SUCCESS} M=${'\u{fc}'.repeat(100)}`);
  });
});

describe('an Access-Reject', () => {
  test('for MS-CHAPv2 says why', async t => {
    const error = 'E=648 R=0 C=00112233445566778899AABBCCDDEEFF V=3 M=Password\nexpired';
    const { radius } = await setup(t, request => {
      const value = Uint8Array.of(9, ...textValue(error));
      const content = [microsoft(MicrosoftAttribute.MsChapError, value), { type: 18, value: textValue('other') }];
      request.send(request.reply(RadiusCode.AccessReject, content));
    });
    assert.deepEqual(await decide(radius, MS_CHAP_V2), {
      kind: 'rejected',
      reason: 'radius-rejected',
      code: 648,
      message: 'Password expired',
    });
  });

  test('for EAP without EAP-Message still ends in EAP-Failure', async t => {
    const { radius } = await setup(t, request => request.send(request.reply(RadiusCode.AccessReject)));
    const decision = await decide(radius, eap(4));
    const failure = encodeEapPacket({ code: EapCode.Failure, id: 7 });
    assert.deepEqual(decision, { kind: 'rejected', reason: 'radius-rejected', packet: failure });
  });
});

describe('EAP', () => {
  test('of a method without keys is accepted with zeros', async t => {
    const { radius } = await setup(t, request => request.send(request.reply(RadiusCode.AccessAccept)));
    const decision = await decide(radius, eap(4));
    assert.ok(decision.kind === 'accepted');
    assert.deepEqual(decision.hlak, ZERO_HLAK);
    assert.deepEqual(decision.packet, encodeEapPacket({ code: EapCode.Success, id: 7 }));
  });

  test('of a method with keys is not accepted without', async t => {
    const { radius } = await setup(t, request => request.send(request.reply(RadiusCode.AccessAccept)));
    for (const type of [13, 21, 25, 26, 55]) {
      assert.deepEqual(await decide(radius, eap(type)), { kind: 'rejected', reason: 'radius-no-keys' });
    }
  });

  test('gets long packets through in pieces, with the state and the time of the server', async t => {
    const long = encodeEapPacket({ code: EapCode.Request, id: 8, type: 13, data: randomBytes(900) });
    const state = { type: RadiusAttribute.State, value: randomBytes(16) };
    const { radius, server } = await setup(t, request => {
      const time = { type: RadiusAttribute.SessionTimeout, value: integerValue(45) };
      request.send(request.reply(RadiusCode.AccessChallenge, [...eapMessages(long), state, time]));
    });
    const challenge = { kind: 'challenge', packet: long, timeoutMs: 45_000 };
    assert.deepEqual(await decide(radius, eap(1)), challenge);
    const response = eap(13, randomBytes(1_000));
    assert.deepEqual(await decide(radius, response), challenge);
    const [first, second] = server.requests;
    assert.ok(!first!.attributes.some(({ type }) => type === RadiusAttribute.State));
    assert.deepEqual(
      second!.attributes.filter(({ type }) => type === RadiusAttribute.State),
      [state],
    );
    const pieces = second!.attributes.filter(({ type }) => type === RadiusAttribute.EapMessage);
    assert.deepEqual(
      pieces.map(({ value }) => value.length),
      [253, 253, 253, 246],
    );
    const sent = Uint8Array.from(Buffer.concat(pieces.map(({ value }) => value)));
    assert.deepEqual(sent, response.kind === 'eap' && response.packet);
    const mtu = second!.attributes.find(({ type }) => type === RadiusAttribute.FramedMtu);
    assert.equal(readInteger(mtu!.value), 1344);
    // What is over is over: nothing of it is sent for a session that was forgotten.
    radius.forget('session-1');
    await decide(radius, response);
    assert.ok(!server.requests[2]!.attributes.some(({ type }) => type === RadiusAttribute.State));
  });

  test('goes on with the server that knows the conversation, also when another has priority', async t => {
    const state = { type: RadiusAttribute.State, value: randomBytes(16) };
    const request = encodeEapPacket({ code: EapCode.Request, id: 8, type: 13, data: randomBytes(9) });
    const challenge: Script = each => {
      each.send(each.reply(RadiusCode.AccessChallenge, [...eapMessages(request), state]));
    };
    const first = await listen(t, () => {});
    const second = await listen(t, challenge);
    const radius = authority(t, [first.options({ deadTimeMs: 0 }), second.options()]);
    assert.equal((await decide(radius, eap(1))).kind, 'challenge');
    first.script = challenge;
    const asked = first.distinctRequests;
    assert.equal((await decide(radius, eap(13))).kind, 'challenge');
    assert.deepEqual([first.distinctRequests, second.distinctRequests], [asked, 2]);
  });

  const broken: [name: string, code: number, packet: Uint8Array | undefined, reason: string][] = [
    ['a challenge without a packet', RadiusCode.AccessChallenge, undefined, 'radius-no-eap-message'],
    ['a challenge that is no request', RadiusCode.AccessChallenge, Uint8Array.of(3, 1, 0, 4), 'radius-bad-eap-message'],
    ['a challenge that is cut', RadiusCode.AccessChallenge, Uint8Array.of(1, 1, 0, 9, 13), 'radius-bad-eap-message'],
    ['an accept with a failure in it', RadiusCode.AccessAccept, Uint8Array.of(4, 1, 0, 4), 'radius-bad-eap-message'],
  ];
  for (const [name, code, packet, reason] of broken) {
    test(`${name} is a rejection: ${reason}`, async t => {
      const content = packet === undefined ? [] : eapMessages(packet);
      const { radius } = await setup(t, request => request.send(request.reply(code, content)));
      assert.deepEqual(await decide(radius, eap(13)), { kind: 'rejected', reason });
    });
  }
});

describe('a server', () => {
  test('that asks a question of PAP cannot be answered', async t => {
    const { radius } = await setup(t, request => request.send(request.reply(RadiusCode.AccessChallenge)));
    assert.deepEqual(await decide(radius, PAP), { kind: 'rejected', reason: 'radius-challenge' });
  });

  test('may take its time, as for a second factor, when the configuration does', async t => {
    const { radius, server } = await setup(
      t,
      request => void setTimeout(() => request.send(request.reply(RadiusCode.AccessAccept)), 400),
      { timeoutMs: 10_000, authBudgetMs: 20_000 },
    );
    assert.equal((await decide(radius, PAP)).kind, 'accepted');
    assert.equal(server.requests.length, 1);
  });

  test('that answers when it was given up is not listened to', async t => {
    const { radius, server } = await setup(t, () => {}, { timeoutMs: 200, retries: 0 });
    assert.equal(reasonOf(await decide(radius, PAP)), 'radius-timeout');
    const [late] = server.requests;
    late!.send(late!.reply(RadiusCode.AccessAccept));
    while (radius.status()[0]?.strayed === 0) await new Promise(resolve => setTimeout(resolve, 2));
    server.script = request => request.send(request.reply(RadiusCode.AccessReject));
    assert.equal(reasonOf(await decide(radius, PAP)), 'radius-rejected');
  });

  test('with a broken Message-Authenticator gets no belief, and the log says which', async t => {
    const { radius } = await setup(
      t,
      request => {
        const reply = request.reply(RadiusCode.AccessAccept);
        const at = 22;
        reply[at] = (reply[at] ?? 0) ^ 1;
        // The Response Authenticator is right for the broken bytes.
        const hash = createHash('md5').update(reply.subarray(0, 4)).update(request.authenticator);
        reply.set(hash.update(reply.subarray(20)).update(SCRIPTED_SECRET).digest(), 4);
        request.send(reply);
      },
      { timeoutMs: 300, retries: 0 },
    );
    assert.equal(reasonOf(await decide(radius, PAP)), 'radius-wrong-message-authenticator');
    assert.equal(radius.status()[0]?.badReplies['wrong-message-authenticator'], 1);
  });

  test('is not asked about what does not fit into a request', async t => {
    const { radius, server } = await setup(t, () => {});
    const reasons: [Credentials, string][] = [
      [{ ...PAP, user: '' }, 'radius-user-name-length'],
      [{ ...PAP, user: 'u'.repeat(254) }, 'radius-user-name-length'],
      [{ ...PAP, password: 'p'.repeat(129) }, 'radius-password-length'],
      [{ kind: 'eap', user: 'alice', packet: new Uint8Array(2049) }, 'radius-eap-length'],
    ];
    for (const [credentials, reason] of reasons) {
      assert.deepEqual(await decide(radius, credentials), { kind: 'rejected', reason });
    }
    assert.equal(server.requests.length, 0);
  });

  test('is asked about the longest of everything', async t => {
    const { radius, server } = await setup(t, request => request.send(request.reply(RadiusCode.AccessReject)));
    const x = 'x'.repeat(1000);
    const session = authSession('session-1', {
      serverName: x,
      device: x,
      identification: [`MSRASV${x}`, `MSRAS-0-${x}`],
      correlationId: x,
      tls: { version: x, cipher: x },
    });
    const credentials: Credentials = { kind: 'eap', user: 'u'.repeat(253), packet: eapPacket(13, randomBytes(2043)) };
    assert.equal(reasonOf(await radius.decide({ session, credentials })), 'radius-rejected');
    const name = server.requests[0]!.attributes.find(({ type }) => type === RadiusAttribute.UserName);
    assert.equal(decodeText(name!.value).length, 253);
  });

  test('that is closed answers nobody', async t => {
    const { radius, server } = await setup(t, () => {}, { timeoutMs: 60_000, authBudgetMs: 60_000 });
    const decision = decide(radius, PAP);
    while (server.requests.length === 0) await new Promise(resolve => setTimeout(resolve, 2));
    await radius.close();
    assert.equal(reasonOf(await decision), 'radius-closed');
  });
});

async function listen(t: TestContext, script: Script): Promise<ScriptedServer> {
  const server = await ScriptedServer.listen(script);
  t.after(() => server.close());
  return server;
}

async function setup(
  t: TestContext,
  script: Script,
  changes: Partial<RadiusOptions> = {},
): Promise<{ radius: RadiusAuthority; server: ScriptedServer }> {
  const server = await listen(t, script);
  return { radius: authority(t, [server.options()], changes), server };
}

function authority(
  t: TestContext,
  servers: RadiusOptions['servers'],
  changes: Partial<RadiusOptions> = {},
): RadiusAuthority {
  const options = { ...radiusOptions(1), timeoutMs: 200, retries: 2, authBudgetMs: 10_000, ...changes, servers };
  const radius = new RadiusAuthority(options, pino({ level: 'silent' }));
  t.after(() => radius.close());
  return radius;
}

function decide(radius: RadiusAuthority, credentials: Credentials): Promise<Decision> {
  return radius.decide({ session: authSession('session-1'), credentials });
}

function reasonOf(decision: Decision): string {
  return decision.kind === 'rejected' ? decision.reason : `it was ${decision.kind}`;
}

function microsoft(type: number, value: Uint8Array): Attribute {
  return vendorAttribute(RadiusVendor.Microsoft, type, value);
}

/** MS-MPPE-Recv-Key and MS-MPPE-Send-Key, RFC 2548 2.4.2. */
function keys(request: ScriptedRequest, receive: Uint8Array, send: Uint8Array): Attribute[] {
  return [
    microsoft(MicrosoftAttribute.MsMppeRecvKey, hide(receive, request.authenticator, Uint8Array.of(0x80, 1))),
    microsoft(MicrosoftAttribute.MsMppeSendKey, hide(send, request.authenticator, Uint8Array.of(0x80, 2))),
  ];
}

function hide(key: Uint8Array, authenticator: Uint8Array, salt: Uint8Array): Uint8Array {
  const plain = new Uint8Array(Math.ceil((1 + key.length) / 16) * 16);
  plain.set([key.length, ...key]);
  let previous = Buffer.concat([authenticator, salt]);
  const blocks: Uint8Array[] = [salt];
  for (let at = 0; at < plain.length; at += 16) {
    const mask = createHash('md5').update(SCRIPTED_SECRET).update(previous).digest();
    previous = Buffer.from(mask.map((byte, index) => byte ^ plain[at + index]!));
    blocks.push(previous);
  }
  return Uint8Array.from(Buffer.concat(blocks));
}

function eapPacket(type: number, data: Uint8Array): Uint8Array {
  return encodeEapPacket({ code: EapCode.Response, id: 7, type, data });
}

function eap(type: number, data: Uint8Array = Uint8Array.of(1)): Credentials {
  return { kind: 'eap', user: 'alice', packet: eapPacket(type, data) };
}

function eapMessages(packet: Uint8Array): Attribute[] {
  const pieces: Attribute[] = [];
  for (let at = 0; at < packet.length; at += 253) {
    pieces.push({ type: RadiusAttribute.EapMessage, value: packet.slice(at, at + 253) });
  }
  return pieces;
}
