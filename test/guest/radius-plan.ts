// What is tried with a gateway that asks a real FreeRADIUS, on loopback in the guest: a user for each method of authentication, and for
// each user an address, a prefix and, in one of the four notations, a rate.
import { strict as assert } from 'node:assert';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Freeradius } from '../radius-server/freeradius.ts';
import { waitFor } from './commands.ts';
import {
  GATEWAY_INSIDE,
  GATEWAY_NAME,
  globalAddresses,
  ping,
  POOL,
  routeToServer,
  SERVER_ADDRESS,
  SERVER_ADDRESS_IPV6,
  transfer,
  tunnelRoutes,
} from './guest-network.ts';
import { CLEANUP_LIMIT_MS, plan, sessionUp } from './plan.ts';
import type { Facts, Line, LineContext, Plan, Surroundings } from './plan.ts';
import { PPP_DEVICE, SstpcCall } from './sstpc-call.ts';
import type { AuthMethod, CallOptions } from './sstpc-call.ts';

interface RadiusSurroundings extends Surroundings {
  readonly freeradius: Freeradius;
}

interface RadiusUser {
  readonly name: string;
  readonly auth: AuthMethod;
  readonly tls: CallOptions['tls'];
  readonly startedBy: CallOptions['startedBy'];
  readonly address: string;
  /** Of 64 bits, without its length. */
  readonly prefix: string;
  /** What FreeRADIUS sends for {@link UP} and {@link DOWN}. */
  readonly rate: readonly string[];
}

const PASSWORD = 'correct horse 7';
const WRONG_PASSWORD = 'battery staple 8';

const GATEWAY_INSIDE_IPV6 = '2001:db8:1::1';
const NAME_SERVERS = ['10.66.0.53', '10.66.0.54'];
/** pppd writes it when it is asked to take name servers from the peer; ip-up makes it the host's, if it is there to do so. */
const RESOLV_CONF = '/etc/ppp/resolv.conf';

/** Bits of IP packets a second, far below what the guest can move. */
const UP = 1e6;
const DOWN = 2e6;
const TRANSFER_SECONDS = 5;
/** TCP's payload is 96 % of the packets; the rest is for a guest that shares a busy machine. */
const LOWEST_SHARE = 0.8;
const HIGHEST_SHARE = 1.05;
/** The machine may be too busy for one transfer. None may be over the rate. */
const TRANSFERS = 4;

// With CHAP-MD5 pppd has to start sstpc: see the plans with a users file.
const USERS: readonly RadiusUser[] = [
  {
    name: 'pap-user',
    auth: 'pap',
    tls: 'TLSv1.3',
    startedBy: 'sstpc',
    address: '10.66.7.1',
    prefix: '2001:db8:7:1::',
    rate: [
      `Cisco-AVPair += "lcp:interface-config#1=rate-limit input ${UP}"`,
      `Cisco-AVPair += "lcp:interface-config#2=rate-limit output ${DOWN}"`,
    ],
  },
  {
    name: 'chap-user',
    auth: 'chap',
    tls: 'TLSv1.2',
    startedBy: 'pppd',
    address: '10.66.7.2',
    prefix: '2001:db8:7:2::',
    rate: [`Filter-Id = "${DOWN / 1000}/${UP / 1000}"`],
  },
  {
    name: 'mschapv2-user',
    auth: 'mschapv2',
    tls: 'TLSv1.2',
    startedBy: 'sstpc',
    address: '10.66.7.3',
    prefix: '2001:db8:7:3::',
    rate: [`Mikrotik-Rate-Limit = "${UP / 1e6}M/${DOWN / 1e6}M"`],
  },
  {
    // The name in the certificate.
    name: 'eap-tls-user',
    auth: 'eap',
    tls: 'TLSv1.3',
    startedBy: 'pppd',
    address: '10.66.7.4',
    prefix: '2001:db8:7:4::',
    rate: [`WISPr-Bandwidth-Max-Up = ${UP}`, `WISPr-Bandwidth-Max-Down = ${DOWN}`],
  },
];

export const RADIUS_PLAN: Plan = plan('radius', startFreeradius, [
  ...USERS.map(user => userLine(user)),
  { name: 'a wrong password is refused with mschapv2, as FreeRADIUS says', run: wrongPassword },
  { name: 'the log holds neither passwords nor the secret', run: logWithoutSecrets },
]);

async function startFreeradius(): Promise<RadiusSurroundings> {
  const freeradius = await Freeradius.start({
    users: USERS.map(user => usersFileEntry(user)).join('\n'),
    // pppd answers to EAP-MSCHAPv2 as well, with any password that it finds.
    eapType: 'tls',
  });
  const { host, authPort, acctPort, secret } = freeradius.options();
  return {
    freeradius,
    sections: {
      // The client is offered another method than its own first, but for MS-CHAPv2.
      ppp: { auth: ['mschapv2', 'eap', 'chap', 'pap'] },
      network: {
        mode: 'tun',
        ipv4: { pool: [POOL], gateway: GATEWAY_INSIDE, dns: NAME_SERVERS },
        ipv6: { pool: ['2001:db8:1:100::/56'], gateway: GATEWAY_INSIDE_IPV6 },
      },
      aaa: {
        method: 'radius',
        radius: { servers: [{ address: host, authPort, acctPort, secret: Buffer.from(secret).toString() }] },
      },
    },
  };
}

function usersFileEntry({ name, auth, address, prefix, rate }: RadiusUser): string {
  const replies = [`Framed-IP-Address = ${address}`, `Framed-IPv6-Prefix = ${prefix}/64`, ...rate];
  // Who has no password can only be known by a certificate.
  const password = auth === 'eap' ? '' : ` Cleartext-Password := "${PASSWORD}"`;
  return `${name}${password}\n\t${replies.join(',\n\t')}\n`;
}

function userLine(user: RadiusUser): Line<RadiusSurroundings> {
  const { auth, tls, startedBy } = user;
  const method = auth === 'eap' ? 'EAP-TLS' : auth;
  return {
    name: `${method} over ${tls}, started by ${startedBy}: addresses, name servers and rate are those of RADIUS, accounting tells of the call`,
    run: async ({ gateway, folder, surroundings: { freeradius } }) => {
      rmSync(RESOLV_CONF, { force: true });
      const call = await SstpcCall.start(folder, callOptions(user, freeradius));
      const address = await call.connected();
      const session = await sessionUp(gateway);
      const { name, prefix } = user;
      assert.deepEqual(
        [address, session.user, session.auth, session.tls.version, session.ipv4, session.ipv6],
        [user.address, name, auth, tls, user.address, `${prefix}/64`],
      );
      if (auth === 'eap') assert.match(call.pppLog(), /sent \[EAP Response id=\S+ TLS /);
      const resolvers = readFileSync(RESOLV_CONF, 'utf8').matchAll(/^nameserver (\S+)$/gm);
      assert.deepEqual(
        Array.from(resolvers, match => match[1]),
        NAME_SERVERS,
      );
      const addressIpv6 = await waitFor(
        'an IPv6 address',
        CLEANUP_LIMIT_MS,
        async () => (await globalAddresses(PPP_DEVICE))[0],
      );
      assert.ok(addressIpv6.startsWith(prefix.slice(0, -1)), `${addressIpv6} is not of ${prefix}/64`);
      await routeToServer(PPP_DEVICE);
      for (const host of [GATEWAY_INSIDE, SERVER_ADDRESS, GATEWAY_INSIDE_IPV6, SERVER_ADDRESS_IPV6]) await ping(host);
      const facts = { ipv6: addressIpv6, ...(await keptRates()) };
      await call.hangUp();
      await gateway.idle(CLEANUP_LIMIT_MS);
      assert.deepEqual(await tunnelRoutes(), []);
      await accounted(freeradius, user, session.id);
      return facts;
    },
  };
}

/** @throws AssertionError when a transfer is not near to its rate */
async function keptRates(): Promise<Facts> {
  const facts: Facts = {};
  for (const [direction, rate] of [
    ['up', UP],
    ['down', DOWN],
  ] as const) {
    let share = 0;
    for (let attempt = 0; attempt < TRANSFERS && share <= LOWEST_SHARE; attempt++) {
      const { bitsPerSecond } = await transfer(direction, (rate / 8) * TRANSFER_SECONDS);
      share = bitsPerSecond / rate;
      assert.ok(share < HIGHEST_SHARE, `${direction}: ${bitsPerSecond} bit/s of ${rate}`);
    }
    assert.ok(share > LOWEST_SHARE, `${direction}: ${share} of ${rate} bit/s, ${TRANSFERS} times`);
    facts[`${direction}ShareOfRate`] = Math.round(share * 1000) / 1000;
  }
  return facts;
}

/** Waits for the records of a call that has ended. */
async function accounted(freeradius: Freeradius, user: RadiusUser, session: string): Promise<void> {
  const records = (kind: string): string[] =>
    freeradius.accounting().filter(record => {
      return valueOf(record, 'Acct-Session-Id') === session && valueOf(record, 'Acct-Status-Type') === kind;
    });
  const stop = await waitFor('an accounting Stop', CLEANUP_LIMIT_MS, () => records('Stop')[0]);
  assert.deepEqual([records('Start').length, records('Stop').length], [1, 1]);
  for (const record of [records('Start')[0] ?? '', stop]) {
    assert.equal(valueOf(record, 'User-Name'), user.name);
    assert.equal(valueOf(record, 'Framed-IP-Address'), user.address);
    assert.equal(valueOf(record, 'Framed-IPv6-Prefix'), `${user.prefix}/64`);
  }
  // sstpc as the parent of pppd closes its connection without a word, before pppd has one.
  const cause = user.startedBy === 'pppd' ? 'User-Request' : 'Lost-Carrier';
  assert.equal(valueOf(stop, 'Acct-Terminate-Cause'), cause);
  for (const [attribute, rate] of [
    ['Acct-Input-Octets', UP],
    ['Acct-Output-Octets', DOWN],
  ] as const) {
    const octets = Number(valueOf(stop, attribute));
    // Part of a transfer is still on its way when iperf3 ends it.
    assert.ok(octets > (rate / 8) * TRANSFER_SECONDS * 0.5, `${attribute}: ${octets}`);
  }
}

async function wrongPassword({ gateway, folder, surroundings }: LineContext<RadiusSurroundings>): Promise<Facts> {
  const user = USERS.find(({ auth }) => auth === 'mschapv2')!;
  const call = await SstpcCall.start(folder, {
    ...callOptions(user, surroundings.freeradius),
    password: WRONG_PASSWORD,
  });
  await call.refused();
  assert.match(call.pppLog(), /rcvd \[CHAP Failure [^\]]*E=691 R=0/);
  const reason = gateway.logEntries().find(entry => entry['msg'] === 'authentication refused');
  assert.deepEqual([reason?.['user'], reason?.['reason']], [user.name, 'radius-rejected']);
  await gateway.idle(CLEANUP_LIMIT_MS);
  return {};
}

async function logWithoutSecrets({ gateway, surroundings }: LineContext<RadiusSurroundings>): Promise<Facts> {
  const secret = Buffer.from(surroundings.freeradius.options().secret).toString();
  for (const word of [PASSWORD, WRONG_PASSWORD, secret]) assert.ok(!gateway.log().includes(word));
  return {};
}

function callOptions({ name, auth, tls, startedBy }: RadiusUser, freeradius: Freeradius): CallOptions {
  const pppd = ['usepeerdns', '+ipv6'];
  if (auth === 'eap') {
    const file = (basename: string): string => join(freeradius.directory, basename);
    pppd.push(`ca ${file('ca.pem')}`, `cert ${file('client.pem')}`, `key ${file('client.key')}`);
  }
  return { server: `${GATEWAY_NAME}:443`, startedBy, auth, tls, user: name, password: PASSWORD, pppd };
}

/** Of a record in FreeRADIUS's detail file. */
function valueOf(record: string, attribute: string): string | undefined {
  return new RegExp(`^\\t${attribute} = "?([^"\\n]*)"?$`, 'm').exec(record)?.[1];
}
