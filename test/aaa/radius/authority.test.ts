import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { pino } from 'pino';
import type { AuthRequest, Decision } from '../../../src/aaa/authority.ts';
import { RadiusAuthority } from '../../../src/aaa/radius/authority.ts';
import type { RadiusOptions, RadiusServerOptions } from '../../../src/config/radius-options.ts';
import { chapMd5 } from '../../../src/crypto/chap-md5.ts';
import { hlakFromMsChapV2, ZERO_HLAK } from '../../../src/crypto/crypto-binding.ts';
import { authenticatorResponse, ntPasswordHash, ntResponse, withoutDomain } from '../../../src/crypto/ms-chap-v2.ts';
import { randomBytes } from '../../../src/crypto/random.ts';
import type { Credentials } from '../../../src/protocol/ppp/credentials.ts';
import { parseIpv4 } from '../../../src/wire/ip.ts';
import { parseIpv6, parseIpv6Prefix } from '../../../src/wire/ipv6.ts';
import { encodeText } from '../../../src/wire/text.ts';
import { Freeradius } from '../../radius-server/freeradius.ts';
import { freeradiusUnavailable } from '../../radius-server/freeradius-process.ts';
import { authSession } from './accounted-session.ts';
import {
  type EapPeer,
  identityResponse,
  MsChapV2EapPeer,
  peapMsChapV2,
  respond,
  TlsEapPeer,
  ttlsPap,
} from './eap-peers.ts';
import { radiusOptions } from './radius-options.ts';

const USERS = String.raw`
alice Cleartext-Password := "pa$$ w0rd"
	Reply-Message = "Hello, Alice"

everything Cleartext-Password := "secret"
	Framed-IP-Address = 10.20.30.40,
	Framed-IP-Netmask = 255.255.255.0,
	Framed-Route = "192.168.9.0/24 0.0.0.0 1",
	Framed-Route += "172.20.0.0/16 10.20.30.40 2",
	Framed-IPv6-Prefix = 2001:db8:7::/64,
	Framed-IPv6-Route = "2001:db8:8::/48 :: 1",
	Framed-Interface-Id = 0:0:0:42,
	Delegated-IPv6-Prefix = 2001:db8:100::/56,
	DNS-Server-IPv6-Address = 2001:db8::53,
	MS-Primary-DNS-Server = 10.0.0.53,
	MS-Secondary-DNS-Server = 10.0.1.53,
	MS-Primary-NBNS-Server = 10.0.0.137,
	MS-Secondary-NBNS-Server = 10.0.1.137,
	Framed-MTU = 1380,
	Session-Timeout = 3600,
	Idle-Timeout = 600,
	Acct-Interim-Interval = 300,
	Port-Limit = 2,
	Filter-Id = "staff",
	Class = 0x0102,
	Class += 0x03,
	User-Name = "canonical",
	Mikrotik-Rate-Limit = "1M/2M"

pools Cleartext-Password := "secret"
	Framed-IP-Address = 255.255.255.254,
	Framed-Pool = "staff",
	Framed-IPv6-Pool = "staff6",
	Delegated-IPv6-Prefix-Pool = "homes",
	WISPr-Bandwidth-Max-Up = 1000000,
	WISPr-Bandwidth-Max-Down = 2000000

chooser Cleartext-Password := "secret"
	Framed-IP-Address = 255.255.255.255,
	Framed-IPv6-Address = 2001:db8:7::42,
	Cisco-AVPair = "lcp:interface-config#1=rate-limit output 2000000 8000 8000 conform-action transmit exceed-action drop"

bob@example.org Cleartext-Password := "secret"

eap-tls-user Cleartext-Password := "unused"
	Framed-IP-Address = 10.20.30.41

locked Auth-Type := Reject
	Reply-Message = "Your account is locked"
`;

describe('with FreeRADIUS', { skip: freeradiusUnavailable() }, () => {
  let server: Freeradius;
  before(async () => {
    server = await Freeradius.start({ users: USERS });
  });
  after(() => server.close());

  const methods: [name: string, prove: (user: string, password: string) => Credentials][] = [
    ['PAP', pap],
    ['CHAP', chap],
    ['MS-CHAPv2', msChapV2],
  ];
  for (const [name, prove] of methods) {
    test(`${name} is accepted with the right password`, async t => {
      const credentials = prove('alice', 'pa$$ w0rd');
      const decision = await authority(t, [server.options()]).decide(request(credentials));
      assert.deepEqual(decision, {
        kind: 'accepted',
        user: 'alice',
        ...expectation(credentials, 'pa$$ w0rd'),
        hlakAlternatives: [],
        attributes: {},
      });
    });

    test(`${name} is rejected with a wrong password and for an unknown user`, async t => {
      const radius = authority(t, [server.options()]);
      for (const [user, password] of [
        ['alice', 'wrong'],
        ['nobody', 'pa$$ w0rd'],
      ] as const) {
        const decision = await radius.decide(request(prove(user, password)));
        assert.equal(reasonOf(decision), 'radius-rejected');
        assert.equal(decision.kind === 'rejected' && decision.code, name === 'MS-CHAPv2' ? 691 : undefined);
      }
    });
  }

  test('what the server tells somebody whom it rejects is passed on', async t => {
    const decision = await authority(t, [server.options()]).decide(request(pap('locked', 'x')));
    assert.deepEqual(decision, { kind: 'rejected', reason: 'radius-rejected', message: 'Your account is locked' });
  });

  test('every attribute arrives', async t => {
    const decision = await authority(t, [server.options()]).decide(request(msChapV2('everything', 'secret')));
    assert.equal(decision.kind === 'accepted' && decision.user, 'canonical');
    assert.deepEqual(decision.kind === 'accepted' && decision.attributes, {
      ipv4: { kind: 'fixed', address: parseIpv4('10.20.30.40') },
      routes: [
        { family: 4, address: parseIpv4('10.20.30.0'), length: 24, metric: undefined },
        { family: 4, address: parseIpv4('192.168.9.0'), length: 24, metric: 1 },
        { family: 4, address: parseIpv4('172.20.0.0'), length: 16, metric: 2 },
        { family: 6, prefix: parseIpv6Prefix('2001:db8:8::/48'), metric: 1 },
      ],
      ipv6Prefix: { kind: 'fixed', prefix: parseIpv6Prefix('2001:db8:7::/64') },
      delegatedPrefix: { kind: 'fixed', prefix: parseIpv6Prefix('2001:db8:100::/56') },
      interfaceId: 0x42n,
      dns: [parseIpv4('10.0.0.53'), parseIpv4('10.0.1.53')],
      nbns: [parseIpv4('10.0.0.137'), parseIpv4('10.0.1.137')],
      dns6: [parseIpv6('2001:db8::53')],
      mtu: 1380,
      sessionTimeoutMs: 3_600_000,
      idleTimeoutMs: 600_000,
      interimIntervalMs: 300_000,
      maxSessions: 2,
      rate: { up: 1_000_000, down: 2_000_000, upBurst: undefined, downBurst: undefined },
      filterId: 'staff',
      classes: [Uint8Array.of(1, 2), Uint8Array.of(3)],
    });
  });

  test('pools, the choice of the client and other rates arrive', async t => {
    const radius = authority(t, [server.options()]);
    const pools = await radius.decide(request(pap('pools', 'secret')));
    assert.deepEqual(pools.kind === 'accepted' && pools.attributes, {
      ipv4: { kind: 'pool', name: 'staff' },
      ipv6Prefix: { kind: 'pool', name: 'staff6' },
      delegatedPrefix: { kind: 'pool', name: 'homes' },
      rate: { up: 1_000_000, down: 2_000_000, upBurst: undefined, downBurst: undefined },
    });
    const chooser = await radius.decide(request(pap('chooser', 'secret')));
    assert.deepEqual(chooser.kind === 'accepted' && chooser.attributes, {
      ipv4: { kind: 'peer' },
      ipv6Prefix: { kind: 'fixed', prefix: parseIpv6Prefix('2001:db8:7::/64') },
      interfaceId: 0x42n,
      rate: { up: undefined, down: 2_000_000, upBurst: undefined, downBurst: 8_000 },
    });
  });

  test('it is told all about the session, by the names that it knows', async t => {
    const session = authSession('told-all', {
      identification: ['MSRASV5.20', 'MSRAS-0-LAPTOP'],
      correlationId: '{12345678-1234-1234-1234-123456789ABC}',
    });
    await authority(t, [server.options()]).decide({ session, credentials: msChapV2('alice', 'pa$$ w0rd') });
    const told = server.requests().find(text => text.includes('told-all'))!;
    for (const line of [
      'User-Name = "alice"',
      'NAS-Identifier = "gateway.example"',
      'NAS-IP-Address = 192.0.2.1',
      'NAS-IPv6-Address = 2001:db8::1',
      'NAS-Port = 7',
      'NAS-Port-Id = "sstp0"',
      'NAS-Port-Type = Virtual',
      'Service-Type = Framed-User',
      'Framed-Protocol = PPP',
      'Calling-Station-Id = "198.51.100.9"',
      'Called-Station-Id = "vpn.example"',
      'Connect-Info = "SSTP TLSv1.3 TLS_AES_256_GCM_SHA384"',
      'Acct-Session-Id = "told-all"',
      'Tunnel-Medium-Type:0 = IPv4',
      'Tunnel-Client-Endpoint:0 = "198.51.100.9"',
      'Tunnel-Server-Endpoint:0 = "192.0.2.1"',
      'MS-Network-Access-Server-Type = Remote-Access-Server',
    ]) {
      assert.ok(told.includes(`\t${line}\n`), `${line} is not in ${told}`);
    }
    assert.match(told, /\tTunnel-Type:0 = (?:79617|13701)\n/);
    for (const name of ['MS-RAS-Client-Version', 'MS-RAS-Client-Name', 'MS-RAS-Correlation']) {
      assert.ok(told.includes(name), `${name} is not in ${told}`);
    }
  });

  describe('names', () => {
    test('MS-CHAPv2 works with a domain, whether it is sent or not', async t => {
      for (const stripRealm of [false, true]) {
        const credentials = msChapV2(String.raw`CORP\alice`, 'pa$$ w0rd');
        const radius = authority(t, [server.options()], { stripRealm });
        const decision = await radius.decide(request(credentials));
        if (stripRealm) assert.equal(decision.kind === 'accepted' && decision.user, 'alice');
        // The users file knows no domain.
        else assert.equal(reasonOf(decision), 'radius-rejected');
      }
    });

    test('a realm is part of what MS-CHAPv2 proves, and stays', async t => {
      const radius = authority(t, [server.options()], { stripRealm: true, defaultRealm: 'example.net' });
      const decision = await radius.decide(request(msChapV2('bob@example.org', 'secret')));
      assert.equal(decision.kind === 'accepted' && decision.user, 'bob@example.org');
    });

    test('a realm is added and taken off for PAP and CHAP', async t => {
      const adding = authority(t, [server.options()], { defaultRealm: 'example.org' });
      const added = await adding.decide(request(pap('bob', 'secret')));
      assert.equal(added.kind === 'accepted' && added.user, 'bob@example.org');
      const stripping = authority(t, [server.options()], { stripRealm: true });
      const stripped = await stripping.decide(request(chap('alice@example.org', 'pa$$ w0rd')));
      assert.equal(stripped.kind === 'accepted' && stripped.user, 'alice');
    });
  });

  describe('EAP', () => {
    test('MSCHAPv2 passes through, and gives the key that the client has', async t => {
      const peer = new MsChapV2EapPeer('alice', 'pa$$ w0rd');
      const decision = await converse(authority(t, [server.options()]), peer);
      assert.ok(decision.kind === 'accepted' && peer.hlak !== undefined, JSON.stringify(decision));
      assert.deepEqual(decision.hlak, peer.hlak);
      assert.equal(decision.user, 'alice');
      assert.equal(decision.packet?.[0], 3);
    });

    test('MSCHAPv2 with a wrong password ends with EAP-Failure', async t => {
      const decision = await converse(authority(t, [server.options()]), new MsChapV2EapPeer('alice', 'wrong'));
      assert.equal(reasonOf(decision), 'radius-rejected');
      assert.equal(decision.kind === 'rejected' && decision.packet?.[0], 4);
    });

    test('TLS passes through in fragments both ways, and gives both keys that clients make of it', async t => {
      const read = (name: string): Buffer => readFileSync(join(server.directory, name));
      const peer = new TlsEapPeer('eap-tls-user', {
        ca: read('ca.pem'),
        cert: read('client.pem'),
        key: read('client.key'),
      });
      t.after(() => peer.close());
      const radius = authority(t, [server.options()]);
      const decision = await converse(radius, peer, { mtu: 600 });
      assert.ok(decision.kind === 'accepted', JSON.stringify(decision));
      const { msk } = peer;
      assert.deepEqual(decision.hlak, Uint8Array.from(msk.slice(0, 32)));
      assert.deepEqual(decision.hlakAlternatives, [Uint8Array.of(...msk.slice(0, 16), ...msk.slice(32, 48))]);
      assert.deepEqual(decision.attributes, { ipv4: { kind: 'fixed', address: parseIpv4('10.20.30.41') } });
      // The server was told how long its fragments may be: some had more behind them.
      assert.ok([...peer.seenFlags].some(flags => (flags & 0x40) !== 0));
    });

    for (const [name, method] of [
      ['TTLS with PAP inside', ttlsPap],
      ['PEAP with EAP-MSCHAPv2 inside', peapMsChapV2],
    ] as const) {
      const tunnelled = (t: TestContext, password: string): TlsEapPeer => {
        const ca = readFileSync(join(server.directory, 'ca.pem'));
        const peer = new TlsEapPeer('anonymous', { ca }, method('alice', password));
        t.after(() => peer.close());
        return peer;
      };

      test(`${name} passes through, and gives the key that the client has`, async t => {
        const peer = tunnelled(t, 'pa$$ w0rd');
        const decision = await converse(authority(t, [server.options()]), peer);
        assert.ok(decision.kind === 'accepted', JSON.stringify(decision));
        assert.deepEqual(decision.hlak, Uint8Array.from(peer.msk.slice(0, 32)));
      });

      test(`${name} with a wrong password is rejected`, async t => {
        const decision = await converse(authority(t, [server.options()]), tunnelled(t, 'wrong'));
        assert.equal(reasonOf(decision), 'radius-rejected');
      });
    }

    test('that begins again does not go on with the state of before', async t => {
      const radius = authority(t, [server.options()]);
      const abandoned = new MsChapV2EapPeer('alice', 'pa$$ w0rd');
      const session = authSession('restarted');
      await radius.decide({ session, credentials: eap(abandoned, identityResponse(abandoned)) });
      const peer = new MsChapV2EapPeer('alice', 'pa$$ w0rd');
      assert.equal((await converse(radius, peer, { id: 'restarted' })).kind, 'accepted');
    });
  });

  test('a server with another secret does not answer', async t => {
    const secret = new TextEncoder().encode('another');
    const radius = authority(t, [server.options({ secret })], { retries: 0, timeoutMs: 100 });
    assert.equal(reasonOf(await radius.decide(request(pap('alice', 'pa$$ w0rd')))), 'radius-timeout');
  });

  test('a server that leaves Message-Authenticator out is not believed, unless that is configured', async t => {
    const old = await Freeradius.start({
      users: 'carol Cleartext-Password := "secret"\n',
      omitsMessageAuthenticator: true,
    });
    t.after(() => old.close());
    const strict = authority(t, [old.options()], { retries: 0, timeoutMs: 1_000 });
    assert.equal(reasonOf(await strict.decide(request(pap('carol', 'secret')))), 'radius-no-message-authenticator');
    const lenient = authority(t, [old.options({ requireMessageAuthenticator: false })]);
    assert.equal((await lenient.decide(request(pap('carol', 'secret')))).kind, 'accepted');
    const peer = new MsChapV2EapPeer('carol', 'secret');
    assert.equal((await converse(strict, peer)).kind, 'accepted');
  });

  test('another server stands in for one that was killed, until that is back', async t => {
    const first = await Freeradius.start({
      users: 'carol Cleartext-Password := "secret"\n\tReply-Message = "first"\n',
    });
    t.after(() => first.close());
    const second = await Freeradius.start({
      users: 'carol Cleartext-Password := "secret"\n\tReply-Message = "second"\n',
      address: '::1',
    });
    t.after(() => second.close());
    const radius = authority(t, [first.options({ deadTimeMs: 200 }), second.options({ priority: 1 })]);
    const answers = async (): Promise<string> => {
      const decision = await radius.decide(request(pap('carol', 'secret')));
      return decision.kind === 'accepted' ? decision.message : reasonOf(decision);
    };
    assert.equal(await answers(), 'first');
    await first.kill();
    assert.equal(await answers(), 'second');
    await first.restart();
    await new Promise(resolve => setTimeout(resolve, 250));
    assert.equal(await answers(), 'first');
    await first.kill();
    await second.kill();
    assert.equal(await answers(), 'radius-timeout');
  });
});

async function converse(
  radius: RadiusAuthority,
  peer: EapPeer,
  changes: Partial<ReturnType<typeof authSession>> = {},
): Promise<Decision> {
  const session = authSession(changes.id ?? `eap-${String(randomBytes(4))}`, changes);
  let decision = await radius.decide({ session, credentials: eap(peer, identityResponse(peer)) });
  while (decision.kind === 'challenge') {
    const packet = await respond(peer, decision.packet);
    decision = await radius.decide({ session, credentials: eap(peer, packet) });
  }
  return decision;
}

function authority(
  t: TestContext,
  servers: readonly RadiusServerOptions[],
  changes: Partial<RadiusOptions> = {},
): RadiusAuthority {
  const options = { ...radiusOptions(1), timeoutMs: 500, authBudgetMs: 10_000, ...changes, servers };
  const radius = new RadiusAuthority(options, pino({ level: 'silent' }));
  t.after(() => radius.close());
  return radius;
}

function request(credentials: Credentials): AuthRequest {
  return { session: authSession('session-1'), credentials };
}

function reasonOf(decision: Decision): string {
  return decision.kind === 'rejected' ? decision.reason : `it was ${decision.kind}`;
}

function pap(user: string, password: string): Credentials {
  return { kind: 'pap', user, password };
}

function chap(user: string, password: string): Credentials {
  const challenge = randomBytes(16);
  return { kind: 'chap', user, id: 9, challenge, response: chapMd5(9, encodeText(password), challenge) };
}

function msChapV2(user: string, password: string): Credentials {
  const exchange = {
    user: withoutDomain(user),
    authenticatorChallenge: randomBytes(16),
    peerChallenge: randomBytes(16),
  };
  return { kind: 'mschapv2', id: 9, ...exchange, user, ntResponse: ntResponse(ntPasswordHash(password), exchange) };
}

function eap({ identity }: EapPeer, packet: Uint8Array): Credentials {
  return { kind: 'eap', user: identity, packet };
}

/** What an accepted client is told, and the key that it has. */
function expectation(credentials: Credentials, password: string): { hlak: Uint8Array; message: string } {
  if (credentials.kind !== 'mschapv2') return { hlak: ZERO_HLAK, message: 'Hello, Alice' };
  const ntHash = ntPasswordHash(password);
  const { ntResponse } = credentials;
  const proof = authenticatorResponse(ntHash, ntResponse, credentials);
  return { hlak: hlakFromMsChapV2(ntHash, ntResponse), message: `${proof} M=Hello, Alice` };
}
