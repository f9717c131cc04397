import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { configureInterface, forwardsIpv4 } from '../../src/tun/interface.ts';
import type { LandingArea } from '../../src/tun/packet-device.ts';
import { RouteBatch } from '../../src/tun/route-batch.ts';
import { closeTun, openTun, TunDevice, type TunHandle } from '../../src/tun/tun-device.ts';
import { internetChecksum } from '../../src/wire/ip.ts';
import { Namespace, namespacesUnavailable } from './namespace.ts';
import { echoRequest } from './packets.ts';
import { landingArea, Recorder, send } from './recorder.ts';

const skip = namespacesUnavailable();
const GATEWAY = '10.66.0.1';
const PATH = process.env['PATH'];

describe('configureInterface', { skip }, () => {
  let host: Namespace;
  let handles: TunHandle[];

  beforeEach(() => {
    host = new Namespace('if');
    process.env['PATH'] = host.path;
    handles = [0, 1].map(index => {
      const handle = openTun(`i${process.pid}x${index}`);
      host.adopt(handle.name);
      return handle;
    });
  });
  afterEach(() => {
    process.env['PATH'] = PATH;
    for (const handle of handles) closeTun(handle);
    host.delete();
  });

  test('sets address, MTU and queue, brings the interface up without a link-local address, and may be repeated', async () => {
    const { name } = handles[0]!;
    await configureInterface({ name, address: GATEWAY, mtu: 1400 });
    await configureInterface({ name, address: GATEWAY, mtu: 1280 });
    const shown = host.ip('address', 'show', 'dev', name);
    assert.match(shown, /<[^>]*\bUP\b[^>]*> mtu 1280 .* qlen 1000\n/);
    assert.deepEqual(shown.match(/inet6? \S+/g), [`inet ${GATEWAY}/32`]);
  });

  test('sets IPv6 addresses, usable at once, that reach hosts behind the device by their routes', async () => {
    const { name } = handles[0]!;
    const settings = { name, address: GATEWAY, addresses6: ['2001:db8::1/128'], mtu: 1400 };
    await configureInterface(settings);
    await configureInterface(settings);
    const shown = host.ip('-6', 'address', 'show', 'dev', name);
    assert.deepEqual(shown.match(/inet6 \S+|tentative/g), ['inet6 2001:db8::1/128']);
    host.ip('route', 'replace', '2001:db8:7::/64', 'dev', name, 'proto', '143');
    assert.match(host.ip('route', 'get', '2001:db8:7::5'), new RegExp(`dev ${name} .*src 2001:db8::1`));
  });

  test('a peer address gets a host route', async () => {
    const { name } = handles[0]!;
    await configureInterface({ name, address: '10.66.0.9', peer: GATEWAY, mtu: 1400 });
    assert.match(
      host.ip('route'),
      new RegExp(`^10\\.66\\.0\\.1 dev ${name} proto kernel scope link src 10\\.66\\.0\\.9`),
    );
  });

  test('an interface that does not exist is an error that names it', async () => {
    await assert.rejects(configureInterface({ name: 'nowhere', address: GATEWAY, mtu: 1400 }), {
      name: 'IpCommandError',
      code: 'refused',
      message: 'ip address replace 10.66.0.1/32 dev nowhere: Cannot find device "nowhere"',
    });
  });

  test('a missing ip command is an error that names the package', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'sgw-empty-'));
    process.env['PATH'] = empty;
    await assert.rejects(configureInterface({ name: handles[0]!.name, address: GATEWAY, mtu: 1400 }), {
      code: 'ip-missing',
      message: /iproute2/,
    });
    rmSync(empty, { recursive: true });
  });

  test('one gateway address on two devices, strict reverse-path filtering: each host is answered on its device, and hosts reach each other', async () => {
    await host.run('sysctl', '-q', 'net.ipv4.conf.all.rp_filter=1', 'net.ipv4.ip_forward=1');
    const routes = new RouteBatch({ refused: failure => assert.fail(failure.message), lost: assert.fail });
    const ends = await Promise.all(
      handles.map(async (handle, index) => {
        await configureInterface({ name: handle.name, address: GATEWAY, mtu: 1400 });
        routes.add(`10.66.0.${index + 2}/32`, handle.name);
        return new End(handle);
      }),
    );
    await routes.settled();
    const [first, second] = ends;
    assert.ok(first && second);
    try {
      assert.match(
        (await host.run('sysctl', '-n', `net.ipv4.conf.${first.device.name}.rp_filter`)).stdout,
        /^[012]\n$/,
      );
      for (const [index, end] of ends.entries()) {
        end.send(echoRequest(`10.66.0.${index + 2}`, GATEWAY, 70 + index));
        const reply = await end.next(1);
        assert.deepEqual([...reply.subarray(12, 20)], [10, 66, 0, 1, 10, 66, 0, index + 2]);
        assert.deepEqual([reply[20], reply[27]], [0, 70 + index], 'the echo reply');
        assert.equal(internetChecksum(new DataView(reply.buffer), 20, reply.length), 0);
      }
      first.send(echoRequest('10.66.0.2', '10.66.0.3', 80));
      const forwarded = await second.next(2);
      assert.deepEqual([...forwarded.subarray(12, 20)], [10, 66, 0, 2, 10, 66, 0, 3]);
    } finally {
      for (const end of ends) end.device.close();
      await routes.close();
    }
  });
});

describe('forwardsIpv4', () => {
  test('tells the state of net.ipv4.ip_forward', async () => {
    assert.equal(typeof (await forwardsIpv4()), 'boolean');
  });
});

/** The far end of a device: a host that a test plays. */
class End {
  readonly device: TunDevice;
  readonly #landing: LandingArea = landingArea();
  readonly #recorder = new Recorder(this.#landing);

  constructor(handle: TunHandle) {
    this.device = new TunDevice(handle, this.#landing);
    this.device.start(this.#recorder);
  }

  send(packet: Uint8Array): void {
    assert.ok(send(this.device, this.#landing, packet));
  }

  /** The packet that arrives as number `count`. */
  async next(count: number): Promise<Uint8Array> {
    await this.#recorder.until(() => this.#recorder.packets.length >= count);
    return this.#recorder.packets[count - 1]!;
  }
}
