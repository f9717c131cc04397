import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { describe, test, type TestContext } from 'node:test';
import { pino } from 'pino';
import { DynamicAuthorization } from '../../../src/aaa/radius/dynamic-authorization.ts';
import type { DynamicAuthorizationOptions } from '../../../src/config/radius-options.ts';
import { matchesSelector } from '../../../src/aaa/radius/session-selector.ts';
import type { SessionAttributes } from '../../../src/aaa/session-attributes.ts';
import { sealAccountingRequest } from '../../../src/crypto/radius.ts';
import {
  integerValue,
  parseRadiusPacket,
  RadiusAttribute,
  RadiusCode,
  readInteger,
  textValue,
  UNSEALED_MESSAGE_AUTHENTICATOR,
  type Attribute,
} from '../../../src/wire/radius.ts';
import { isWireError } from '../../../src/wire/wire-error.ts';
import { radclient, radclientUnavailable } from '../../radius-server/radclient.ts';
import { accountedSession, authSession } from './accounted-session.ts';
import { radiusOptions } from './radius-options.ts';

const RADIUS = radiusOptions(1813);
const SECRET = 'testing123';
const MA = 'Message-Authenticator = 0x00';

describe('with radclient', { skip: radclientUnavailable() }, () => {
  test('a Disconnect-Request ends the session that all of its attributes fit', async t => {
    const gateway = await start(t);
    const reply = await radclient('disconnect', gateway.port, SECRET, [
      'Acct-Session-Id = "s-1"',
      'User-Name = "alice"',
      'NAS-Port = 1',
      'NAS-Port-Id = "sstp0"',
      'Framed-IP-Address = 10.0.0.1',
      'Framed-IPv6-Prefix = 2001:db8:1:2::/64',
      'Framed-Interface-Id = 0200:5eff:fe00:5301',
      'Calling-Station-Id = "198.51.100.9"',
      'Called-Station-Id = "vpn.example"',
      'NAS-Identifier = "gateway.example"',
      'NAS-IP-Address = 192.0.2.1',
      'NAS-IPv6-Address = 2001:db8::1',
      'Proxy-State = 0x0102',
      'Proxy-State = 0x03',
      MA,
    ]);
    assert.match(reply[0]!, /^Received Disconnect-ACK /);
    assert.ok(
      reply.some(line => line.startsWith('Message-Authenticator = 0x')),
      reply.join('\n'),
    );
    assert.deepEqual(
      reply.filter(line => line.startsWith('Proxy-State')),
      ['Proxy-State = 0x0102', 'Proxy-State = 0x03'],
    );
    assert.deepEqual(gateway.disconnected, ['s-1']);
    assert.deepEqual(gateway.server.counters, { drops: {}, replies: { 'disconnect-ack': 1 } });
  });

  test('a name alone ends all sessions of the user, and of no other', async t => {
    const gateway = await start(t);
    const reply = await radclient('disconnect', gateway.port, SECRET, ['User-Name = "alice"', MA]);
    assert.match(reply[0]!, /^Received Disconnect-ACK /);
    assert.deepEqual(gateway.disconnected, ['s-1', 's-2']);
  });

  test('a CoA-Request changes what it names', async t => {
    const gateway = await start(t);
    const reply = await radclient('coa', gateway.port, SECRET, [
      'Acct-Session-Id = "s-3"',
      'Session-Timeout = 90',
      'Filter-Id = "100/200"',
      'Service-Type = Framed-User',
      `Event-Timestamp = ${Math.floor(Date.now() / 1000)}`,
      MA,
    ]);
    assert.match(reply[0]!, /^Received CoA-ACK /);
    const rate = { up: 200_000, down: 100_000, upBurst: undefined, downBurst: undefined };
    assert.deepEqual(gateway.changed, [
      { session: 's-3', attributes: { sessionTimeoutMs: 90_000, filterId: '100/200', rate } },
    ]);
  });

  const refusals: readonly [string, 'coa' | 'disconnect', string[], number][] = [
    ['an unknown session', 'disconnect', ['Acct-Session-Id = "s-9"'], 503],
    ['attributes of different sessions', 'disconnect', ['Acct-Session-Id = "s-1"', 'User-Name = "bob"'], 503],
    ['a bundle of links', 'disconnect', ['Acct-Multi-Session-Id = "s-1"'], 503],
    ['another address', 'coa', ['Acct-Session-Id = "s-1"', 'Framed-IP-Address = 10.0.0.77'], 503],
    ['a change of several sessions', 'coa', ['User-Name = "alice"', 'Session-Timeout = 9'], 508],
    ['no session at all', 'disconnect', ['NAS-Identifier = "gateway.example"'], 402],
    ['another gateway', 'disconnect', ['Acct-Session-Id = "s-1"', 'NAS-Identifier = "other"'], 403],
    ['another address of the gateway', 'coa', ['Acct-Session-Id = "s-1"', 'NAS-IP-Address = 192.0.2.2'], 403],
    ['a change in a Disconnect-Request', 'disconnect', ['Acct-Session-Id = "s-1"', 'Session-Timeout = 9'], 401],
    ['another pool', 'coa', ['Acct-Session-Id = "s-1"', 'Framed-Pool = "x"'], 401],
    ['a vendor nobody knows', 'coa', ['Acct-Session-Id = "s-1"', 'Ascend-Data-Rate = 9'], 401],
    ['Authorize-Only', 'coa', ['Acct-Session-Id = "s-1"', 'Service-Type = Authorize-Only', 'State = 0x01'], 405],
    ['a value that means nothing', 'coa', ['Acct-Session-Id = "s-1"', 'Framed-Route = "nonsense"'], 407],
    ['a session that must not change', 'coa', ['Acct-Session-Id = "s-2"', 'Session-Timeout = 9'], 501],
  ];
  for (const [what, kind, attributes, cause] of refusals) {
    test(`${what} is refused with ${cause}`, async t => {
      const gateway = await start(t);
      const reply = await radclient(kind, gateway.port, SECRET, [...attributes, MA]);
      assert.match(reply[0]!, kind === 'coa' ? /^Received CoA-NAK / : /^Received Disconnect-NAK /);
      assert.ok(reply.includes(`Error-Cause = ${ERROR_CAUSES[cause]}`), reply.join('\n'));
      assert.deepEqual(gateway.disconnected, []);
      assert.deepEqual(gateway.changed, []);
    });
  }

  const silent: readonly [string, string, string[], string][] = [
    ['a stranger', SECRET, ['Packet-Src-IP-Address = 127.0.0.2', MA], 'unknown-client'],
    ['a wrong secret', 'wrong', [MA], 'wrong-authenticator'],
    ['no Message-Authenticator', SECRET, [], 'no-message-authenticator'],
    [
      'an old Event-Timestamp',
      SECRET,
      [`Event-Timestamp = ${Math.floor(Date.now() / 1000) - 400}`, MA],
      'event-timestamp',
    ],
    [
      'an Event-Timestamp of tomorrow',
      SECRET,
      [`Event-Timestamp = ${Math.floor(Date.now() / 1000) + 86_400}`, MA],
      'event-timestamp',
    ],
  ];
  for (const [what, secret, attributes, reason] of silent) {
    test(`${what} gets no answer, is counted, and logged once`, async t => {
      const gateway = await start(t);
      const reply = await radclient('disconnect', gateway.port, secret, ['Acct-Session-Id = "s-1"', ...attributes]);
      assert.deepEqual(reply, []);
      // radclient sends its request twice.
      assert.deepEqual(gateway.server.counters, { drops: { [reason]: 2 }, replies: {} });
      assert.deepEqual(gateway.disconnected, []);
      assert.equal(gateway.logged.filter(({ msg }) => msg === 'dynamic authorization request dropped').length, 1);
      assert.doesNotMatch(JSON.stringify(gateway.logged), new RegExp(SECRET));
    });
  }

  test('a client may be let go without Message-Authenticator', async t => {
    const gateway = await start(t, { requireMessageAuthenticator: false });
    const reply = await radclient('disconnect', gateway.port, SECRET, ['Acct-Session-Id = "s-1"']);
    assert.match(reply[0]!, /^Received Disconnect-ACK /);
  });
});

for (const timestamped of [true, false]) {
  const kind = timestamped ? 'with' : 'without';
  test(`a request ${kind} Event-Timestamp that comes again is answered again and does nothing`, async t => {
    const gateway = await start(t);
    const attributes = timestamped ? [eventTimestamp(0)] : [];
    const request = disconnectRequest('s-1', attributes);
    const first = await gateway.ask(request);
    const second = await gateway.ask(request);
    assert.equal(first?.[0], RadiusCode.DisconnectAck);
    assert.deepEqual(second, first);
    assert.deepEqual(gateway.disconnected, ['s-1']);
    assert.equal(gateway.server.counters.replies['disconnect-ack'], 1);
    assert.equal(gateway.server.counters.replies['duplicate'], 1);
  });
}

test('the same identifier with other content is another request', async t => {
  const gateway = await start(t);
  await gateway.ask(disconnectRequest('s-1', []));
  await gateway.ask(disconnectRequest('s-2', []));
  assert.deepEqual(gateway.disconnected, ['s-1', 's-2']);
});

test('a Message-Authenticator that is wrong is dropped, also where none is required', async t => {
  const gateway = await start(t, { requireMessageAuthenticator: false });
  const forged = { type: RadiusAttribute.MessageAuthenticator, value: new Uint8Array(15).fill(1) };
  const packet = { code: RadiusCode.DisconnectRequest, identifier: 1, attributes: [sessionId('s-1'), forged] };
  assert.equal(await gateway.ask(sealAccountingRequest(packet, Buffer.from(SECRET))), undefined);
  assert.deepEqual(gateway.server.counters.drops, { 'wrong-message-authenticator': 1 });
});

test('junk, truncated packets and other codes are dropped, and the next request is answered', async t => {
  const gateway = await start(t);
  const good = disconnectRequest('s-1', []);
  for (let length = 0; length < good.length; length++) await gateway.send(good.subarray(0, length));
  const access = { code: RadiusCode.AccessRequest, identifier: 1, attributes: [] };
  await gateway.send(sealAccountingRequest(access, Buffer.from(SECRET)));
  for (let at = 4; at < good.length; at++) {
    const changed = good.slice();
    changed[at]! ^= 0x20;
    await gateway.send(changed);
  }
  const reply = await gateway.ask(good);
  assert.equal(reply?.[0], RadiusCode.DisconnectAck);
  assert.deepEqual(gateway.disconnected, ['s-1']);
  const { drops, replies } = gateway.server.counters;
  assert.equal(replies['disconnect-ack'], 1);
  assert.equal(drops['unexpected-code'], 1);
  assert.equal(
    Object.values(drops).reduce((sum, count) => sum + count, 0),
    good.length + 1 + good.length - 4,
  );
});

test('a session that is gone when its turn comes is not found', async t => {
  const gateway = await start(t);
  gateway.isGone = true;
  const reply = await gateway.ask(disconnectRequest('s-1', []));
  assert.equal(reply?.[0], RadiusCode.DisconnectNak);
  const packet = parseRadiusPacket(reply);
  assert.ok(!isWireError(packet));
  const cause = packet.attributes.find(({ type }) => type === RadiusAttribute.ErrorCause);
  assert.equal(readInteger(cause!.value), 503);
});

// The names of FreeRADIUS' dictionary.
const ERROR_CAUSES: Readonly<Record<number, string>> = {
  401: 'Unsupported-Attribute',
  402: 'Missing-Attribute',
  403: 'NAS-Identification-Mismatch',
  405: 'Unsupported-Service',
  407: 'Invalid-Attribute-Value',
  501: 'Administratively-Prohibited',
  503: 'Session-Context-Not-Found',
  508: 'Multiple-Session-Selection-Unsupported',
};

interface TestGateway {
  readonly server: DynamicAuthorization;
  readonly port: number;
  readonly disconnected: string[];
  readonly changed: { readonly session: string; readonly attributes: SessionAttributes }[];
  readonly logged: Record<string, unknown>[];
  /** Sessions are found, but have ended when they are touched. */
  isGone: boolean;
  send(datagram: Uint8Array): Promise<void>;
  /** Undefined when there is no answer before that to a request that is known to get one. */
  ask(datagram: Uint8Array): Promise<Uint8Array | undefined>;
}

/** alice is connected twice, the second time in a way that must not be changed; bob once. */
async function start(t: TestContext, changes: Partial<DynamicAuthorizationOptions> = {}): Promise<TestGateway> {
  const users = ['alice', 'alice', 'bob'];
  const sessions = users.map((user, index) =>
    accountedSession(`s-${index + 1}`, {
      session: authSession(`s-${index + 1}`, { port: index + 1 }),
      user,
      ipv4: 0x0a000001 + index,
    }),
  );
  const disconnected: string[] = [];
  const changed: TestGateway['changed'] = [];
  const logged: Record<string, unknown>[] = [];
  const log = pino({ base: null }, { write: line => void logged.push(JSON.parse(line) as Record<string, unknown>) });
  const options: DynamicAuthorizationOptions = {
    listen: { host: '127.0.0.1', port: 0 },
    clients: [{ address: '127.0.0.1', secret: Buffer.from(SECRET) }],
    requireMessageAuthenticator: true,
    ...changes,
  };
  const server = new DynamicAuthorization(RADIUS, options, {
    handler: {
      find: selector => sessions.filter(session => matchesSelector(selector, session)).map(({ session }) => session.id),
      disconnect: session => !gateway.isGone && disconnected.push(session) > 0,
      change: (session, attributes) => {
        if (session === 's-2') return 'not-changeable';
        changed.push({ session, attributes });
        return true;
      },
    },
    log,
  });
  const port = await server.listen();
  const socket = createSocket('udp4');
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    socket.close();
  });
  const replies: Uint8Array[] = [];
  let replied: (() => void) | undefined;
  socket.on('message', datagram => {
    replies.push(new Uint8Array(datagram));
    replied?.();
  });
  const send = (datagram: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      socket.send(datagram, port, '127.0.0.1', error => (error === null ? resolve() : reject(error)));
    });
  const ask = async (datagram: Uint8Array): Promise<Uint8Array | undefined> => {
    replies.length = 0;
    await send(datagram);
    // Datagrams of one socket stay in order: an answer to this one means that there is none to the other.
    await send(disconnectRequest('marker', [{ type: RadiusAttribute.ProxyState, value: integerValue(++marker) }]));
    while (!replies.some(isMarkerReply)) await new Promise<void>(resolve => (replied = resolve));
    return replies.find(reply => !isMarkerReply(reply));
  };
  let marker = 0;
  const gateway: TestGateway = { server, port, disconnected, changed, logged, isGone: false, send, ask };
  return gateway;
}

function disconnectRequest(session: string, attributes: readonly Attribute[]): Uint8Array {
  return sealAccountingRequest(
    {
      code: RadiusCode.DisconnectRequest,
      identifier: 77,
      attributes: [UNSEALED_MESSAGE_AUTHENTICATOR, sessionId(session), ...attributes],
    },
    Buffer.from(SECRET),
  );
}

function sessionId(session: string): Attribute {
  return { type: RadiusAttribute.AcctSessionId, value: textValue(session) };
}

function eventTimestamp(offsetSeconds: number): Attribute {
  return { type: RadiusAttribute.EventTimestamp, value: integerValue(Math.floor(Date.now() / 1000) + offsetSeconds) };
}

function isMarkerReply(reply: Uint8Array): boolean {
  const packet = parseRadiusPacket(reply);
  return !isWireError(packet) && packet.attributes.some(({ type }) => type === RadiusAttribute.ProxyState);
}
