// The gateway's end of a link, asked as Windows, Linux and DHCPv6 clients ask.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { linkDuid } from '../../../src/protocol/link/dhcpv6-responder.ts';
import { GatewayLink } from '../../../src/protocol/link/gateway-link.ts';
import { Ipv6Host } from '../../../src/protocol/link/ipv6-host.ts';
import type { Ipv6Parameters } from '../../../src/protocol/ppp/credentials.ts';
import {
  type Dhcpv6Message,
  type Dhcpv6Option,
  Dhcpv6OptionCode,
  Dhcpv6Type,
  encodeDhcpv6,
  encodeIdentityAssociation,
  iaPrefixOption,
  parseDhcpv6,
  parseDhcpv6Options,
  parseIaPrefix,
  parseIdentityAssociation,
} from '../../../src/wire/dhcpv6.ts';
import { encodeIcmpv6, type Icmpv6Message, parseIcmpv6 } from '../../../src/wire/icmpv6.ts';
import { encodeUdp6, type Ipv6Packet, parseIpv6Packet, parseUdp6 } from '../../../src/wire/ip-packet.ts';
import { formatIpv6, formatIpv6Prefix, parseIpv6, parseIpv6Prefix } from '../../../src/wire/ipv6.ts';
import { isWireError } from '../../../src/wire/wire-error.ts';
import { DHCPV6_SOLICIT, ROUTER_SOLICITATION } from '../../wire/debian-clients.ts';

const GATEWAY = address('fe80::1');
const CLIENT = address('fe80::7');
const ALL_NODES = address('ff02::1');
const ALL_ROUTERS = address('ff02::2');
const DHCP_SERVERS = address('ff02::1:2');
const PREFIX = prefix('2001:db8:7::/64');
const DELEGATED = prefix('2001:db8:1200::/56');
const DNS = address('2001:db8::53');
const IPV6: Ipv6Parameters = {
  interfaceId: 7n,
  gatewayInterfaceId: 1n,
  prefix: PREFIX,
  delegated: DELEGATED,
  dns: [DNS],
};
const CLIENT_ID = { code: Dhcpv6OptionCode.ClientId, data: Uint8Array.of(0, 3, 0, 1, 2, 3, 4, 5, 6, 7) };
const SERVER_ID = { code: Dhcpv6OptionCode.ServerId, data: linkDuid(1n) };

describe('router advertisements', () => {
  test('come soon after the link is open, twice more, then rarely', () => {
    const link = new Link();
    const times: number[] = [];
    for (let count = 0; count < 6; count++) {
      const [sent] = link.next();
      assert.ok(sent !== undefined && sent.destination === ALL_NODES && sent.source === GATEWAY);
      times.push(link.now);
    }
    assert.deepEqual(times.slice(0, 3), [500, 3500, 15_500]);
    for (const [index, time] of times.slice(3).entries()) {
      const pause = time - times[index + 2]!;
      assert.ok(pause >= 900_000 && pause <= 1_200_000, `${pause}`);
    }
  });

  test('say what there is: prefix, MTU, name servers, and that DHCPv6 knows more', () => {
    const [answer] = new Link().tell(ROUTER_SOLICITATION);
    assert.equal(answer?.destination, address('fe80::c818:8fff:fe0a:f591'));
    assert.deepEqual(icmpv6(answer), {
      kind: 'router-advertisement',
      hopLimit: 64,
      isManaged: false,
      hasOther: true,
      routerLifetime: 3600,
      prefixes: [
        { prefix: PREFIX, isOnLink: true, isAutonomous: true, validLifetime: 2_592_000, preferredLifetime: 604_800 },
      ],
      mtu: 1400,
      dns: [{ lifetime: 3600, servers: [DNS] }],
    });
  });

  test('say nothing that there is not', () => {
    const bare = new Link({ ...IPV6, prefix: undefined, delegated: undefined, dns: [] }, 1200, []);
    assert.deepEqual(icmpv6(bare.ask({ kind: 'router-solicitation' }, 0n, ALL_ROUTERS)[0]), {
      kind: 'router-advertisement',
      hopLimit: 64,
      isManaged: false,
      hasOther: false,
      routerLifetime: 0,
      prefixes: [],
      mtu: undefined,
      dns: [],
    });
    const long = new Link({ ...IPV6, prefix: prefix('2001:db8:7::/80') });
    const advertisement = icmpv6(long.ask({ kind: 'router-solicitation' })[0]);
    assert.ok(advertisement.kind === 'router-advertisement');
    assert.equal(advertisement.prefixes[0]?.isAutonomous, false, 'no host makes an address of that');
  });

  test('go to everybody when who asks has no address yet', () => {
    const [answer] = new Link().ask({ kind: 'router-solicitation' }, 0n, ALL_ROUTERS);
    assert.equal(answer?.destination, ALL_NODES);
  });

  test('give a client its address, its name servers and the MTU', () => {
    const link = new Link();
    const host = new Ipv6Host(IPV6, packet => link.tell(packet), 0);
    const [answer] = link.answers;
    assert.equal(host.receive(link.bytes[0]!), true);
    assert.ok(answer !== undefined && host.configuration?.address !== undefined);
    assert.equal(formatIpv6(host.configuration.address), '2001:db8:7::7');
    assert.deepEqual([host.configuration.dns, host.configuration.mtu], [[DNS], 1400]);
    assert.equal(host.deadline, Number.POSITIVE_INFINITY, 'it asks no more');
  });
});

test('a client asks three times, and reads no advertisement that is none of its link', () => {
  const sent: Uint8Array[] = [];
  const host = new Ipv6Host(IPV6, packet => sent.push(packet), 0);
  const times: number[] = [];
  while (host.deadline < Number.POSITIVE_INFINITY) {
    times.push(host.deadline);
    host.handleTimeout(host.deadline);
  }
  assert.deepEqual([times, sent.length], [[4000, 8000, 12_000], 3]);
  const link = new Link();
  link.ask({ kind: 'router-solicitation' });
  const advertisement = icmpv6(link.answers[0]);
  assert.equal(host.receive(encodeIcmpv6(address('2001:db8::1'), CLIENT, advertisement)), false);
  assert.equal(host.receive(encodeIcmpv6(GATEWAY, CLIENT, { kind: 'router-solicitation' })), false);
  assert.equal(host.configuration, undefined);
});

describe('neighbours and pings', () => {
  const solicitation: Icmpv6Message = { kind: 'neighbor-solicitation', target: GATEWAY };
  const solicited = address('ff02::1:ff00:1');

  test('a solicitation for the gateway is answered, also one that looks whether its address is free', () => {
    const asked = new Link().ask(solicitation, CLIENT, solicited)[0];
    const expected = { kind: 'neighbor-advertisement', isRouter: true, isOverride: true, target: GATEWAY } as const;
    assert.deepEqual([asked?.destination, icmpv6(asked)], [CLIENT, { ...expected, isSolicited: true }]);
    const duplicate = new Link().ask(solicitation, 0n, solicited)[0];
    assert.deepEqual([duplicate?.destination, icmpv6(duplicate)], [ALL_NODES, { ...expected, isSolicited: false }]);
  });

  test('a client that looks whether its own address is free gets no answer', () => {
    const target = address('2001:db8:7::7');
    assert.deepEqual(new Link().ask({ kind: 'neighbor-solicitation', target }, 0n, address('ff02::1:ff00:7')), []);
  });

  test('pings of the link-local address are answered from it, also those to all routers', () => {
    const ping: Icmpv6Message = { kind: 'echo-request', identifier: 1, sequence: 2, data: Uint8Array.of(1, 2, 3) };
    for (const destination of [GATEWAY, ALL_NODES, ALL_ROUTERS]) {
      const [answer] = new Link().ask(ping, CLIENT, destination);
      assert.deepEqual([answer?.source, answer?.destination], [GATEWAY, CLIENT]);
      assert.deepEqual(icmpv6(answer), { ...ping, kind: 'echo-reply' });
    }
    for (const [source, destination] of [
      [0n, ALL_NODES],
      [CLIENT, address('fe80::2')],
    ] as const) {
      assert.deepEqual(new Link().ask(ping, source, destination), []);
    }
  });

  test('answers and advertisements of the client are left alone', () => {
    for (const message of [
      { kind: 'echo-reply', identifier: 1, sequence: 1, data: new Uint8Array(0) },
      { kind: 'neighbor-advertisement', isRouter: false, isSolicited: true, isOverride: true, target: CLIENT },
    ] as const) {
      assert.deepEqual(new Link().ask(message, CLIENT, GATEWAY), []);
    }
  });
});

describe('DHCPv6', () => {
  test('Windows asks for name servers only', () => {
    const answer = new Link().dhcp({
      type: Dhcpv6Type.InformationRequest,
      transactionId: 0x123456,
      options: [CLIENT_ID, requests(24, 23, 17)],
    });
    assert.deepEqual([answer?.type, answer?.transactionId], [Dhcpv6Type.Reply, 0x123456]);
    assert.deepEqual(codes(answer), [1, 2, 23, 24]);
    assert.deepEqual(answer?.options[0]?.data, CLIENT_ID.data);
    assert.deepEqual(answer?.options[1]?.data, SERVER_ID.data);
  });

  test('who asks for other options gets none', () => {
    const answer = new Link().dhcp({ type: Dhcpv6Type.InformationRequest, transactionId: 1, options: [requests(31)] });
    assert.deepEqual(codes(answer), [2]);
  });

  test('dhcpcd gets its prefix, no address, and only the options that it asks for', () => {
    const link = new Link();
    const [sent] = link.tell(DHCPV6_SOLICIT);
    const advertise = dhcpv6(sent);
    assert.equal(advertise.type, Dhcpv6Type.Advertise);
    assert.deepEqual(codes(advertise), [1, 2, 3, 25, 23]);
    assert.deepEqual(statusOf(advertise.options[2]!), 2, 'NoAddrsAvail');
    assert.deepEqual(leaseOf(advertise.options[3]!), ['2001:db8:1200::/56 3600 7200']);

    const { options, transactionId } = dhcpv6(parsed(DHCPV6_SOLICIT));
    for (const type of [Dhcpv6Type.Request, Dhcpv6Type.Renew, Dhcpv6Type.Rebind]) {
      const named = type === Dhcpv6Type.Rebind ? options : [...options, SERVER_ID];
      const reply = link.dhcp({ type, transactionId, options: named });
      assert.equal(reply?.type, Dhcpv6Type.Reply);
      assert.deepEqual(leaseOf(reply.options[3]!), ['2001:db8:1200::/56 3600 7200']);
    }
    for (const type of [Dhcpv6Type.Release, Dhcpv6Type.Decline]) {
      const reply = link.dhcp({ type, transactionId, options: [...options, SERVER_ID] });
      assert.deepEqual([codes(reply), statusOf(reply!.options[2]!, 0)], [[1, 2, 13], 0]);
    }
  });

  test('Rapid Commit saves a round, when it is wanted', () => {
    const rapid = { code: Dhcpv6OptionCode.RapidCommit, data: new Uint8Array(0) };
    const answer = new Link().dhcp({
      type: Dhcpv6Type.Solicit,
      transactionId: 1,
      options: [CLIENT_ID, rapid, delegation(1)],
    });
    assert.deepEqual([answer?.type, codes(answer)], [Dhcpv6Type.Reply, [1, 2, 14, 25, 23, 24]]);
  });

  test('there is one prefix: a second association, and a session without one, are told that there is none', () => {
    const solicit = { type: Dhcpv6Type.Solicit, transactionId: 1, options: [CLIENT_ID, delegation(1), delegation(2)] };
    const [, , first, second] = new Link().dhcp(solicit)!.options;
    assert.deepEqual(leaseOf(first!), ['2001:db8:1200::/56 3600 7200']);
    assert.equal(statusOf(second!), 6);
    const none = new Link({ ...IPV6, delegated: undefined }).dhcp(solicit)!;
    assert.deepEqual([statusOf(none.options[2]!), statusOf(none.options[3]!)], [6, 6]);
  });

  test('a prefix of an earlier session is taken away when the client renews it', () => {
    const old = iaPrefixOption({ prefix: prefix('2001:db8:ff00::/56'), preferredLifetime: 9, validLifetime: 9 });
    const kept = iaPrefixOption({ prefix: DELEGATED, preferredLifetime: 9, validLifetime: 9 });
    const options = [CLIENT_ID, delegation(1, old, kept)];
    const reply = new Link().dhcp({ type: Dhcpv6Type.Rebind, transactionId: 1, options });
    assert.deepEqual(leaseOf(reply!.options[2]!), ['2001:db8:1200::/56 3600 7200', '2001:db8:ff00::/56 0 0']);
  });

  test('a temporary address is refused in its own form', () => {
    const temporary = { code: Dhcpv6OptionCode.IaTa, data: Uint8Array.of(0, 0, 0, 9) };
    const answer = new Link().dhcp({ type: Dhcpv6Type.Solicit, transactionId: 1, options: [CLIENT_ID, temporary] });
    const refusal = answer?.options[2];
    assert.deepEqual([refusal?.code, refusal?.data.subarray(0, 6)], [4, Uint8Array.of(0, 0, 0, 9, 0, 13)]);
  });

  test('however many associations a client names, the answer fits its packet', () => {
    const associations = Array.from({ length: 80 }, (_, iaid) => ({
      code: Dhcpv6OptionCode.IaNa,
      data: encodeIdentityAssociation({ iaid, t1: 0, t2: 0, options: [] }),
    }));
    const options = [CLIENT_ID, ...associations];
    const link = new Link();
    const answer = link.dhcp({ type: Dhcpv6Type.Solicit, transactionId: 1, options });
    assert.ok(answer !== undefined && answer.options.some(({ code }) => code === Dhcpv6OptionCode.IaNa));
    assert.ok(link.bytes[0]!.length <= 1280, `${link.bytes[0]!.length} bytes`);
  });

  test('messages that RFC 8415 16 has discarded get no answer', () => {
    const other = { code: Dhcpv6OptionCode.ServerId, data: linkDuid(2n) };
    for (const [type, ...options] of [
      [Dhcpv6Type.Solicit],
      [Dhcpv6Type.Solicit, CLIENT_ID, SERVER_ID],
      [Dhcpv6Type.Request, CLIENT_ID],
      [Dhcpv6Type.Request, SERVER_ID],
      [Dhcpv6Type.Request, CLIENT_ID, other],
      [Dhcpv6Type.Renew, CLIENT_ID, other],
      [Dhcpv6Type.Rebind, CLIENT_ID, SERVER_ID],
      [Dhcpv6Type.InformationRequest, other],
      [Dhcpv6Type.Advertise, CLIENT_ID, SERVER_ID],
      [Dhcpv6Type.Reply, CLIENT_ID, SERVER_ID],
      [12, CLIENT_ID],
    ] as const) {
      assert.equal(new Link().dhcp({ type, transactionId: 1, options }), undefined, `type ${type}`);
    }
    const question = { type: Dhcpv6Type.InformationRequest, transactionId: 1, options: [] };
    assert.equal(new Link().dhcp(question, { source: address('2001:db8:7::7') }), undefined);
    assert.equal(new Link().dhcp(question, { destination: ALL_NODES }), undefined);
    assert.equal(new Link().dhcp(question, { port: 546 }), undefined);
    assert.equal(new Link().dhcp(question, { destination: GATEWAY })?.type, Dhcpv6Type.Reply);
  });
});

test('any packet is taken, and gets one answer at most, no longer than a packet may be', () => {
  const seeds = [ROUTER_SOLICITATION, DHCPV6_SOLICIT];
  const damage = fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 4 });
  fc.assert(
    fc.property(fc.constantFrom(...seeds), damage, fc.nat(200), (seed, bytes, cut) => {
      const packet = seed.slice(0, cut % 3 === 0 ? cut : seed.length);
      for (const [at, value] of bytes) packet.fill(value, at, at + 1);
      const link = new Link();
      link.tell(packet);
      assert.ok(link.bytes.length <= 1 && link.bytes.every(({ length }) => length <= 1280));
    }),
    { numRuns: 500 },
  );
});

/** One link, and what it sends. */
class Link {
  now = 0;
  readonly bytes: Uint8Array[] = [];
  readonly #link: GatewayLink;

  constructor(ipv6: Ipv6Parameters = IPV6, mtu = 1400, search = ['corp.example']) {
    const options = { ipv6, mtu, search, chance: () => 0.5 };
    this.#link = new GatewayLink(options, packet => this.bytes.push(packet), 0);
  }

  get answers(): Ipv6Packet[] {
    return this.bytes.map(parsed);
  }

  /** Lets time pass to the next timer. */
  next(): Ipv6Packet[] {
    this.now = this.#link.deadline;
    return this.#after(() => this.#link.handleTimeout(this.now));
  }

  tell(packet: Uint8Array): Ipv6Packet[] {
    return this.#after(() => this.#link.receive(packet));
  }

  ask(message: Icmpv6Message, source = CLIENT, destination = ALL_ROUTERS): Ipv6Packet[] {
    return this.tell(encodeIcmpv6(source, destination, message));
  }

  dhcp(
    message: Dhcpv6Message,
    { source = CLIENT, destination = DHCP_SERVERS, port = 547 } = {},
  ): Dhcpv6Message | undefined {
    const data = encodeDhcpv6(message);
    const [answer] = this.tell(encodeUdp6(source, destination, { sourcePort: 546, destinationPort: port, data }));
    return answer && dhcpv6(answer);
  }

  #after(input: () => void): Ipv6Packet[] {
    const before = this.bytes.length;
    input();
    return this.bytes.slice(before).map(parsed);
  }
}

function parsed(bytes: Uint8Array): Ipv6Packet {
  const packet = parseIpv6Packet(bytes);
  assert.ok(!isWireError(packet));
  return packet;
}

function icmpv6(packet: Ipv6Packet | undefined): Icmpv6Message {
  const message = packet && parseIcmpv6(packet);
  assert.ok(message !== undefined && !isWireError(message));
  return message;
}

function dhcpv6(packet: Ipv6Packet | undefined): Dhcpv6Message {
  const datagram = packet && parseUdp6(packet);
  assert.ok(datagram !== undefined && !isWireError(datagram));
  const message = parseDhcpv6(datagram.data);
  assert.ok(!isWireError(message));
  return message;
}

function codes(message: Dhcpv6Message | undefined): number[] {
  return (message?.options ?? []).map(({ code }) => code);
}

function requests(...wanted: number[]): Dhcpv6Option {
  return { code: Dhcpv6OptionCode.OptionRequest, data: Uint8Array.from(wanted.flatMap(code => [0, code])) };
}

function delegation(iaid: number, ...options: Dhcpv6Option[]): Dhcpv6Option {
  return { code: Dhcpv6OptionCode.IaPd, data: encodeIdentityAssociation({ iaid, t1: 0, t2: 0, options }) };
}

/** The status code of an association, or of the data of a status option itself. */
function statusOf({ data }: Dhcpv6Option, at = 12): number | undefined {
  if (at === 0) return new DataView(data.buffer, data.byteOffset).getUint16(0);
  const options = parseDhcpv6Options(data.subarray(at));
  assert.ok(!isWireError(options));
  const status = options.find(({ code }) => code === Dhcpv6OptionCode.StatusCode);
  return status && new DataView(status.data.buffer, status.data.byteOffset).getUint16(0);
}

/** 'prefix preferred valid' of each prefix in an association. */
function leaseOf({ data }: Dhcpv6Option): string[] {
  const association = parseIdentityAssociation(data);
  assert.ok(!isWireError(association));
  return association.options.map(option => {
    const lease = parseIaPrefix(option.data);
    assert.ok(!isWireError(lease));
    return `${formatIpv6Prefix(lease.prefix)} ${lease.preferredLifetime} ${lease.validLifetime}`;
  });
}

function address(text: string): bigint {
  const found = parseIpv6(text);
  assert.ok(found !== undefined);
  return found;
}

function prefix(text: string) {
  const found = parseIpv6Prefix(text);
  assert.ok(found !== undefined);
  return found;
}
