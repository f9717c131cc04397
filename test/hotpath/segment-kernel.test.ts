// Our segmentation against Linux's, byte by byte. A namespace forwards super-packets from one TUN device, which takes them whole, to
// another, which does not: the kernel has to cut them itself.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { NO_OFFLOADS, ALL_OFFLOADS, type Offloads } from '../../src/tun/offloads.ts';
import { closeTun, openTun, TunDevice } from '../../src/tun/tun-device.ts';
import { Namespace, namespacesUnavailable } from '../tun/namespace.ts';
import { landingArea, Recorder, send } from '../tun/recorder.ts';
import { encodeVirtioHeader } from '../tun/virtio.ts';
import { forwarded } from './flow-packets.ts';
import { implementations } from './implementations.ts';
import { CLIENT } from './packets.ts';
import { offloadFor, segmentsOf, superPacket, TcpFlag } from './segment-packets.ts';
import { noise, SHAPES, TCP4, TCP6, type Shape } from './segment-shapes.ts';

const { Fin, Psh, Ack, Ece, Cwr } = TcpFlag;
const FLAGS = Fin | Psh | Ack | Ece | Cwr;
const CASES: readonly Shape[] = [
  ...SHAPES,
  {
    title: 'TCP over IPv4 with FIN, PSH and CWR',
    fields: { ...TCP4, flags: FLAGS },
    payloadLength: 5000,
    gsoSize: 999,
  },
  {
    title: 'TCP over IPv6 with FIN, PSH and CWR',
    fields: { ...TCP6, flags: FLAGS },
    payloadLength: 5000,
    gsoSize: 999,
  },
];
/** The longest packet that SSTP carries, and more. */
const MTU = '4500';
const KERNEL_TIMEOUT_MS = 5000;

describe('segments of the packet path and of the kernel', { skip: namespacesUnavailable() }, () => {
  const paths = implementations.map(({ name, create }) => ({ name, path: create() }));
  let router: Namespace;
  let into: Rig;
  let out: Rig;

  before(() => {
    router = new Namespace('seg');
    router.runBlocking(
      'sh',
      '-c',
      'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding',
    );
    into = attach(router, `sgs${process.pid}i`, ALL_OFFLOADS);
    out = attach(router, `sgs${process.pid}o`, NO_OFFLOADS);
    // What superPacket() sends: from SERVER and 2001:db8::, to CLIENT and fd00::.
    router.ip('route', 'add', '192.0.2.0/24', 'dev', into.device.name);
    router.ip('route', 'add', '2001:db8::/32', 'dev', into.device.name);
    router.ip('route', 'add', '10.66.0.0/16', 'dev', out.device.name);
    router.ip('route', 'add', 'fd00::/16', 'dev', out.device.name);
  });

  after(() => {
    into.close();
    out.close();
    router.delete();
  });

  for (const { title, fields, payloadLength, gsoSize } of CASES) {
    test(`are the same bytes: ${title}`, { timeout: KERNEL_TIMEOUT_MS }, async () => {
      const whole = { ...fields, payload: noise(payloadLength) };
      const packet = superPacket(whole);
      const offload = offloadFor(whole, gsoSize);
      const behindRouter = forwarded(packet);
      const expected = paths.map(({ name, path }) => ({ name, segments: segmentsOf(path, behindRouter, offload) }));

      const { recorder } = out;
      recorder.packets.length = 0;
      // The kernel refuses a header length beyond the packet; else it is rough.
      const header = encodeVirtioHeader({
        ...offload,
        headerLength: offload.checksumStart + offload.checksumOffset + 2,
      });
      assert.ok(send(into.device, into.landing, packet, header));
      const received = (): Uint8Array[] => recorder.packets.filter(isOurs);
      await recorder.until(() => received().length >= expected[0]!.segments.length);
      for (const { name, segments } of expected) assert.deepEqual(received(), segments, name);
    });
  }
});

interface Rig {
  readonly device: TunDevice;
  readonly landing: ReturnType<typeof landingArea>;
  readonly recorder: Recorder;
  close(): void;
}

/** A device whose interface is up in the namespace. */
function attach(host: Namespace, name: string, offloads: Offloads): Rig {
  const handle = openTun(name, offloads);
  const landing = landingArea(64, 8192);
  const device = new TunDevice(handle, landing);
  const recorder = new Recorder(landing);
  host.adopt(name);
  host.ip('link', 'set', 'dev', name, 'addrgenmode', 'none', 'mtu', MTU, 'up');
  device.start(recorder);
  return {
    device,
    landing,
    recorder,
    close: () => {
      device.close();
      closeTun(handle);
    },
  };
}

/** To where {@link superPacket} sends: not what the kernel says by itself. */
function isOurs(packet: Uint8Array): boolean {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  return packet[0]! >> 4 === 4 ? view.getUint32(16) === CLIENT : view.getUint16(24) === 0xfd00;
}
