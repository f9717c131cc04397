// IPv6 and DHCP through a whole gateway. Without privileges it is the echo network that answers behind it; with them, the kernel.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClientRuntime, createClientRuntime } from '../../src/client/client-runtime.ts';
import { SstpClient } from '../../src/client/sstp-client.ts';
import { parseDhcp } from '../../src/wire/dhcp.ts';
import {
  Dhcpv6OptionCode,
  Dhcpv6Type,
  encodeDhcpv6,
  encodeIdentityAssociation,
  parseDhcpv6,
  parseIaPrefix,
  parseIdentityAssociation,
} from '../../src/wire/dhcpv6.ts';
import { encodeIcmpv6, parseIcmpv6 } from '../../src/wire/icmpv6.ts';
import { formatIpv4 } from '../../src/wire/ip.ts';
import {
  encodeUdp4,
  encodeUdp6,
  parseIpv4Packet,
  parseIpv6Packet,
  parseUdp4,
  parseUdp6,
} from '../../src/wire/ip-packet.ts';
import { formatIpv6, formatIpv6Prefix, parseIpv6 } from '../../src/wire/ipv6.ts';
import { VIRTIO_HEADER_LENGTH } from '../../src/wire/virtio.ts';
import { isWireError } from '../../src/wire/wire-error.ts';
import { type RunningCommand, startCommand } from '../cli/start-command.ts';
import { runCommand } from '../cli/run-command.ts';
import { Namespace, namespacesUnavailable } from '../tun/namespace.ts';
import { DHCPINFORM } from '../wire/debian-clients.ts';
import { GatewayProcess } from './gateway-process.ts';
import { createSite, PASSWORD, type Site, USER } from './site.ts';

const NETWORK = {
  ipv4: { pool: ['10.66.0.0/16'], gateway: '10.66.0.1', dns: ['10.66.0.53'] },
  ipv6: {
    pool: ['2001:db8:7::/48'],
    gateway: '2001:db8::1',
    dns: ['2001:db8::53'],
    delegation: { pool: ['2001:db8:1000::/40'], prefixLength: 56 },
  },
  dhcp: { domain: 'corp.example', search: ['corp.example'], routes: ['10.0.0.0/8'] },
};
const GATEWAY = address('2001:db8::1');
const ROUTER = address('fe80::1');
const DHCP_SERVERS = address('ff02::1:2');
const LIMIT_MS = 10_000;

describe('a gateway with IPv6 and the echo network', () => {
  let site: Site;
  let gateway: GatewayProcess;
  let runtime: ClientRuntime;
  const open: SstpClient[] = [];

  before(async () => {
    site = await createSite({ network: { mode: 'echo', ...NETWORK } });
    gateway = await GatewayProcess.start(site);
    runtime = await createClientRuntime();
  });
  afterEach(() => {
    for (const client of open.splice(0)) client.abort();
  });
  after(async () => {
    await gateway?.stop();
    site?.remove();
  });

  const connect = async (ipv6 = true): Promise<Correspondent> => {
    const correspondent = await Correspondent.connect(
      runtime,
      { host: 'localhost', port: gateway.port, ca: site.ca },
      ipv6,
    );
    open.push(correspondent.client);
    return correspondent;
  };

  test('a client gets an address of its prefix by router advertisement, and name servers with it', async () => {
    const [first, second] = [await connect(), await connect()];
    const addresses = [first, second].map(({ address: own }) => formatIpv6(own));
    for (const text of addresses) assert.match(text, /^2001:db8:7(:|::)/);
    assert.notEqual(addresses[0]!.split(':').slice(0, 4).join(':'), addresses[1]!.split(':').slice(0, 4).join(':'));
    const { configuration } = first.client.ipv6!;
    assert.deepEqual(configuration?.dns.map(formatIpv6), ['2001:db8::53']);
    assert.equal(configuration?.mtu, 1400);
    const row = (await gateway.sessions()).find(({ ipv4 }) => ipv4 === formatIpv4(first.client.network.address));
    assert.equal(row?.ipv6?.endsWith('/64'), true);
  });

  test('it pings the gateway by its global and by its link-local address', async () => {
    const correspondent = await connect();
    assert.ok(await correspondent.pings(correspondent.address, GATEWAY));
    assert.ok(await correspondent.pings(correspondent.client.ipv6!.linkLocal, ROUTER));
  });

  test('an answer that no packet of the tunnel can hold is not sent, and the tunnel goes on', async () => {
    const correspondent = await connect();
    const own = correspondent.client.ipv6!.linkLocal;
    assert.equal(await correspondent.pings(own, ROUTER, 300, 4_030), false);
    assert.ok(await correspondent.pings(own, ROUTER));
    const { workers } = await gateway.status();
    assert.ok(workers.every(worker => worker.restarts === 0));
  });

  test('packets from somebody else’s address are dropped and counted', async () => {
    const [honest, spoofer] = [await connect(), await connect()];
    const before = (await gateway.status()).counters.drops['spoofed-source'] ?? 0;
    assert.equal(await spoofer.pings(honest.address, GATEWAY, 300), false);
    assert.equal(await spoofer.pings(address('2001:db8:ffff::7'), GATEWAY, 300), false);
    await gateway.until(({ counters }) => counters.drops['spoofed-source'] === before + 2);
  });

  test('a prefix is delegated, whose addresses are its own from then on', async () => {
    const correspondent = await connect();
    const delegated = await correspondent.delegation();
    assert.match(formatIpv6Prefix(delegated), /^2001:db8:10.*\/56$/);
    assert.ok(await correspondent.pings(delegated.address | 0x99n, GATEWAY));
  });

  test('DHCPINFORM, to everybody and to the gateway, is answered with domain and routes', async () => {
    const correspondent = await connect(false);
    const own = correspondent.client.network.address;
    for (const destination of [0xffffffff, correspondent.client.network.gateway]) {
      const answer = parseDhcp(await correspondent.inform(own, destination));
      assert.ok(!isWireError(answer));
      assert.equal(new TextDecoder().decode(answer.options.get(15)), 'corp.example');
      assert.deepEqual(answer.options.get(121), Uint8Array.of(8, 10, 10, 66, 0, 1));
    }
  });

  test('a client that does not ask for IPv6 has none, and what it sends all the same is dropped', async () => {
    const correspondent = await connect(false);
    assert.equal(correspondent.client.ipv6, undefined);
    assert.equal((await gateway.status()).counters.aborts['lcp-failed'], undefined);
  });

  test('connect --check --ipv6 pings both', async () => {
    const args = ['connect', '--check', '--ipv6', '--json', '--ca', 'cert.pem', '--user', USER, '--password', PASSWORD];
    const { code, stdout } = await runCommand(site.directory, [...args, `https://localhost:${gateway.port}`]);
    const report = JSON.parse(stdout) as {
      ipv6: Record<string, unknown>;
      pings: { received: number };
      morePings: object[];
    };
    assert.equal(code, 0, stdout);
    assert.match(String(report.ipv6['address']), /^2001:db8:7:/);
    assert.deepEqual([report.ipv6['gateway'], report.ipv6['dns']], ['fe80::1', ['2001:db8::53']]);
    assert.equal(report.pings.received, 3);
    assert.deepEqual(
      report.morePings.map(round => ({ ...round, roundTripMs: 0 })),
      [{ target: 'fe80::1', sent: 3, received: 3, roundTripMs: 0 }],
    );
  });
});

describe('a gateway with IPv6 and TUN devices', { skip: namespacesUnavailable() }, () => {
  const SERVER = '192.0.2.1';
  let site: Site;
  let far: Namespace;
  let near: Namespace;
  let gateway: GatewayProcess;
  let command: RunningCommand;

  before(async () => {
    site = await createSite({
      listen: [{ address: `${SERVER}:0` }],
      network: { mode: 'tun', ...NETWORK },
    });
    far = new Namespace('6f');
    near = new Namespace('6n');
    far.connect(near, 'outer', `${SERVER}/24`, 'outer', '192.0.2.2/24');
    gateway = await GatewayProcess.start(site, far.name);
  });
  after(async () => {
    await gateway?.stop();
    near?.delete();
    far?.delete();
    site?.remove();
  });

  test('the kernel of a client has its address and pings the gateway’s, and the routes go with the tunnel', async () => {
    const trust = ['--certificate-sha256', site.fingerprint, '--user', USER, '--password', PASSWORD];
    command = startCommand(
      ['connect', ...trust, '--ipv6', '--route', '2001:db8::/32', `https://${SERVER}:${gateway.port}`],
      near.name,
    );
    const IS_UP = /^address (2001:db8:7:\S+), gateway fe80::1$/m;
    const own = IS_UP.exec(await command.untilPrinted(IS_UP))?.[1];
    assert.match(near.ip('-6', 'address', 'show', 'dev', 'sstpc0'), new RegExp(`inet6 ${own}/128`));
    for (const target of ['2001:db8::1', 'fe80::1%sstpc0']) {
      const ping = await near.run('ping', '-6', '-c', '3', '-i', '0.2', '-W', '5', '-s', '1352', '-M', 'do', target);
      assert.equal(ping.code, 0, `${target}: ${ping.stdout}${ping.stderr}`);
    }
    assert.match(far.ip('-6', 'route', 'show', 'proto', '143'), /^2001:db8:7:\S*\/64 dev sstp\d/m);
    assert.match(far.ip('-6', 'route', 'show', 'proto', '143'), /^2001:db8:10\S*\/56 dev sstp\d/m);
    // From the gateway to the client, and to an address that the client has beside.
    assert.equal((await far.run('ping', '-6', '-c', '1', '-W', '5', own!)).code, 0);

    command.kill('SIGTERM');
    assert.equal((await command.ended).code, 0);
    const end = performance.now() + LIMIT_MS;
    while (far.ip('-6', 'route', 'show', 'proto', '143') !== '' && performance.now() < end) await sleep(50);
    assert.equal(far.ip('-6', 'route', 'show', 'proto', '143'), '');
  });
});

/** A client whose packets are made and read by the test. */
class Correspondent {
  readonly client: SstpClient;
  readonly #runtime: ClientRuntime;
  readonly #inbox: { receive: (packet: Uint8Array) => void };

  static async connect(
    runtime: ClientRuntime,
    https: { readonly host: string; readonly port: number; readonly ca: string },
    ipv6: boolean,
  ): Promise<Correspondent> {
    const inbox = { receive: (_packet: Uint8Array): void => {} };
    const client = await SstpClient.connect(
      runtime,
      { https, user: USER, password: PASSWORD, auth: ['mschapv2'], mtu: 1400, ipv6 },
      {
        receivePacket: (at, length) => inbox.receive(runtime.path.memory.slice(at, at + length)),
        ended: () => {},
      },
    );
    if (ipv6) await client.configured(LIMIT_MS);
    return new Correspondent(client, runtime, inbox);
  }

  private constructor(client: SstpClient, runtime: ClientRuntime, inbox: { receive: (packet: Uint8Array) => void }) {
    this.client = client;
    this.#runtime = runtime;
    this.#inbox = inbox;
  }

  get address(): bigint {
    const own = this.client.ipv6?.configuration?.address;
    assert.ok(own !== undefined, 'the client has an IPv6 address');
    return own;
  }

  async pings(source: bigint, destination: bigint, limitMs = LIMIT_MS, payloadLength = 40): Promise<boolean> {
    const data = new Uint8Array(payloadLength);
    const request = { kind: 'echo-request', identifier: 7, sequence: 1, data } as const;
    const answer = await this.#exchange(
      encodeIcmpv6(source, destination, request),
      packet => {
        const reply = parseIpv6Packet(packet);
        if (isWireError(reply) || reply.source !== destination || reply.destination !== source) return undefined;
        const message = parseIcmpv6(reply);
        return !isWireError(message) && message.kind === 'echo-reply' ? true : undefined;
      },
      limitMs,
    );
    return answer === true;
  }

  /** The prefix that a Solicit with Rapid Commit gets. */
  async delegation() {
    const association = encodeIdentityAssociation({ iaid: 1, t1: 0, t2: 0, options: [] });
    const solicit = encodeDhcpv6({
      type: Dhcpv6Type.Solicit,
      transactionId: 0xabcdef,
      options: [
        { code: Dhcpv6OptionCode.ClientId, data: Uint8Array.of(0, 3, 0, 1, 1, 2, 3, 4, 5, 6) },
        { code: Dhcpv6OptionCode.RapidCommit, data: new Uint8Array(0) },
        { code: Dhcpv6OptionCode.IaPd, data: association },
      ],
    });
    const question = { sourcePort: 546, destinationPort: 547, data: solicit };
    const reply = await this.#exchange(encodeUdp6(this.client.ipv6!.linkLocal, DHCP_SERVERS, question), packet => {
      const parsed = parseIpv6Packet(packet);
      const datagram = isWireError(parsed) ? parsed : parseUdp6(parsed);
      const message = isWireError(datagram) ? datagram : parseDhcpv6(datagram.data);
      return isWireError(message) ? undefined : message;
    });
    const option = reply?.options.find(({ code }) => code === Dhcpv6OptionCode.IaPd);
    const granted = option && parseIdentityAssociation(option.data);
    assert.ok(granted !== undefined && !isWireError(granted));
    const lease = parseIaPrefix(granted.options[0]!.data);
    assert.ok(!isWireError(lease));
    return lease.prefix;
  }

  /** The DHCP message that answers what dhcpcd would send. */
  async inform(own: number, destination: number): Promise<Uint8Array> {
    const data = DHCPINFORM.slice(28);
    new DataView(data.buffer).setUint32(12, own);
    const question = encodeUdp4(own, destination, { sourcePort: 68, destinationPort: 67, data });
    const answer = await this.#exchange(question, packet => {
      const parsed = parseIpv4Packet(packet);
      const datagram = isWireError(parsed) ? parsed : parseUdp4(parsed);
      return isWireError(datagram) ? undefined : datagram.data;
    });
    assert.ok(answer !== undefined, 'DHCPINFORM is answered');
    return answer;
  }

  /** Sends a packet and waits for one that `read` takes for the answer; undefined when none comes in time. */
  #exchange<Answer>(
    packet: Uint8Array,
    read: (packet: Uint8Array) => Answer | undefined,
    limitMs = LIMIT_MS,
  ): Promise<Answer | undefined> {
    const { path } = this.#runtime;
    return new Promise(resolve => {
      const timer = setTimeout(() => resolve(undefined), limitMs);
      this.#inbox.receive = received => {
        const answer = read(received);
        if (answer === undefined) return;
        clearTimeout(timer);
        resolve(answer);
      };
      const at = path.scratchAt + VIRTIO_HEADER_LENGTH;
      path.memory.set(packet, at);
      this.client.queuePacket(at, packet.length);
      this.client.flush();
    });
  }
}

function address(text: string): bigint {
  const parsed = parseIpv6(text);
  assert.ok(parsed !== undefined);
  return parsed;
}
