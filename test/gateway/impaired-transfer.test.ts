// A transfer each way through a tunnel over two bad cables:
//
//   stream-host --- sstpc0: connect --- outer =x= outer --- gateway --- sstp0, GRO, inner =x= inner --- stream-host
//   (the clients' namespace)                                 (the gateway's namespace)           (the far namespace)
//
// The outer cable impairs TLS. The inner one impairs what the gateway cuts and joins: on its gateway's end the kernel does GRO, as a
// network card's driver would. SSTP_TRANSFER_MB says how many MB (2^20 bytes) go each way.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Child } from '../../bench/children.ts';
import { KernelTestbed } from '../../bench/kernel-testbed.ts';
import { OUTER } from '../../bench/testbed.ts';
import { Namespace, namespacesUnavailable } from '../tun/namespace.ts';
import type { ImpairedPathReport, ImpairedPathRequest } from './impaired-path.ts';
import { PASSWORD, USER } from './site.ts';

const MEGABYTES = Number(process.env['SSTP_TRANSFER_MB'] ?? (process.env['CI'] === 'true' ? 512 : 64));
const BYTES = MEGABYTES * 2 ** 20;
/** Far beyond what it takes: a stream that hangs must not take the whole test run. */
const LIMIT_MS = 60_000 + MEGABYTES * 2000;

const IMPAIRMENT = { loss: 0.0005, duplication: 0.005, reordering: 0.005 };
const FAR = { network: '198.51.100.0/24', gateway: '198.51.100.1', host: '198.51.100.2', device: 'inner' } as const;
const OUTER_MTU = 1500;
const TUNNEL_MTU = 1400;
const PORT = '5001';

describe('a transfer over paths that lose, repeat and reorder packets', { skip: namespacesUnavailable() }, () => {
  let testbed: KernelTestbed;
  let far: Namespace;
  let client: Client;
  let outer: Child;
  let inner: Child;

  before(async () => {
    testbed = await KernelTestbed.start(async (gatewaySide, clientSide) => {
      const ends = [`${OUTER.gateway}/24`, `${OUTER.client}/24`] as const;
      outer = await layImpairedPath([gatewaySide, clientSide], OUTER.device, ends, { gro: false, seed: 1 });
      return outer;
    });
    const { gatewaySide } = testbed;
    gatewaySide.runBlocking('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
    far = new Namespace('f');
    const ends = [`${FAR.gateway}/24`, `${FAR.host}/24`] as const;
    inner = await layImpairedPath([gatewaySide, far], FAR.device, ends, { gro: true, seed: 2 });
    far.ip('route', 'add', '10.66.0.0/16', 'via', FAR.gateway);
    client = await Client.connect(testbed);
  });

  after(async () => {
    await client.stop();
    await inner.stop();
    await testbed.close();
    far.delete();
  });

  test(`${MEGABYTES} MB arrive in the network as they were sent`, { timeout: LIMIT_MS }, async t => {
    const before = deviceCounts(testbed);
    await transfer(testbed.clientSide, { side: far, address: FAR.host });
    const { rx } = difference(deviceCounts(testbed), before);
    t.diagnostic(`the gateway wrote ${rx.packets} packets of ${(rx.bytes / rx.packets).toFixed(0)} bytes`);
    assert.ok(rx.bytes > BYTES && rx.bytes / rx.packets > TUNNEL_MTU, 'there were super-packets to join');
  });

  test(`${MEGABYTES} MB arrive at the client as they were sent`, { timeout: LIMIT_MS }, async t => {
    const before = deviceCounts(testbed);
    await transfer(far, { side: testbed.clientSide, address: client.address });
    const { tx } = difference(deviceCounts(testbed), before);
    t.diagnostic(`the gateway read ${tx.packets} packets of ${(tx.bytes / tx.packets).toFixed(0)} bytes`);
    assert.ok(tx.bytes > BYTES && tx.bytes / tx.packets > TUNNEL_MTU, 'there were super-packets to cut');
  });

  test('each path has done what it is for, and the tunnel outlived it', async t => {
    const { code } = await testbed.clientSide.run('ping', '-c', '10', '-i', '0.02', '-W', '1', FAR.host);
    assert.equal(code, 0);
    // It can be asked from within its namespace only; its log tells as well.
    assert.ok(!testbed.gateway.log.some(({ msg }) => /worker lost|session down|ended by a fault/.test(msg)));
    await client.stop();
    for (const [name, path] of Object.entries({ outer, inner })) {
      const report = await end(path);
      t.diagnostic(`${name} path: ${JSON.stringify(report)}`);
      for (const count of Object.values(report)) assert.ok(count > 0);
    }
  });
});

/** The project's own client with its TUN device, and a route to the far network. */
class Client {
  readonly address: string;
  readonly #child: Child;
  readonly #directory: string;

  static async connect({ clientSide, target }: KernelTestbed): Promise<Client> {
    const directory = mkdtempSync(join(tmpdir(), 'sstp-impaired-'));
    const passwordFile = join(directory, 'password');
    writeFileSync(passwordFile, PASSWORD, { mode: 0o600 });
    const { host, port, certificateSha256 } = target.https;
    const child = new Child(clientSide, process.execPath, [
      fileURLToPath(new URL('../../src/main.js', import.meta.url)),
      'connect',
      `https://${host}:${port}`,
      `--user=${USER}`,
      `--password-file=${passwordFile}`,
      `--certificate-sha256=${String(certificateSha256)}`,
      `--mtu=${TUNNEL_MTU}`,
      `--route=${FAR.network}`,
      '--json',
    ]);
    const line = await child.line(text => text.startsWith('{'));
    const { address } = JSON.parse(line) as { address?: string };
    assert.ok(address !== undefined, line);
    return new Client(child, directory, address);
  }

  private constructor(child: Child, directory: string, address: string) {
    this.#child = child;
    this.#directory = directory;
    this.address = address;
  }

  async stop(): Promise<void> {
    await this.#child.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Joins two namespaces; the path's process runs in the first one. */
async function layImpairedPath(
  [near, other]: readonly [Namespace, Namespace],
  device: string,
  addresses: readonly [string, string],
  { gro, seed }: Pick<ImpairedPathRequest, 'gro' | 'seed'>,
): Promise<Child> {
  const farEnd = `${device}-f`;
  const request: ImpairedPathRequest = { devices: [device, farEnd], gro, seed, ...IMPAIRMENT };
  const child = new Child(near, process.execPath, [
    fileURLToPath(new URL('impaired-path.js', import.meta.url)),
    JSON.stringify(request),
  ]);
  await child.line(line => line.startsWith('{'));
  near.ip('link', 'set', 'dev', farEnd, 'netns', other.name, 'name', device);
  for (const [index, side] of [near, other].entries()) {
    side.ip('address', 'add', addresses[index]!, 'dev', device);
    side.ip('link', 'set', 'dev', device, 'addrgenmode', 'none', 'mtu', String(OUTER_MTU), 'txqueuelen', '1000', 'up');
  }
  return child;
}

async function end(path: Child): Promise<ImpairedPathReport> {
  const report = path.line(line => line.startsWith('{'));
  await path.stop();
  return JSON.parse(await report) as ImpairedPathReport;
}

/** Fails unless what arrives is what was sent. */
async function transfer(from: Namespace, to: { readonly side: Namespace; readonly address: string }): Promise<void> {
  const program = fileURLToPath(new URL('../tun/stream-host.js', import.meta.url));
  const receiver = new Child(to.side, process.execPath, [program, 'receive', to.address, PORT]);
  const sender = new Child(from, process.execPath, [program, 'send', to.address, PORT, String(BYTES)]);
  try {
    const [received, sent] = await Promise.all([receiver, sender].map(host => host.line(() => true, LIMIT_MS)));
    assert.match(sent!, /^[\da-f]{64}$/);
    assert.equal(received, sent);
  } finally {
    await Promise.all([receiver.stop(), sender.stop()]);
  }
}

interface Count {
  readonly bytes: number;
  readonly packets: number;
}

/** Of the gateway's device: rx is what the gateway wrote. A super-packet counts once. */
function deviceCounts({ gatewaySide }: KernelTestbed): Record<'rx' | 'tx', Count> {
  const [link] = JSON.parse(gatewaySide.ip('-j', '-s', 'link', 'show', 'dev', 'sstp0')) as [
    { stats64: Record<'rx' | 'tx', Count> },
  ];
  return link.stats64;
}

function difference(now: Record<'rx' | 'tx', Count>, before: Record<'rx' | 'tx', Count>): Record<'rx' | 'tx', Count> {
  const of = (side: 'rx' | 'tx'): Count => ({
    bytes: now[side].bytes - before[side].bytes,
    packets: now[side].packets - before[side].packets,
  });
  return { rx: of('rx'), tx: of('tx') };
}
