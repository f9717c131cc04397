import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ioctl } from '../../src/ffi/libc.ts';
import { agreeOffloads, ALL_OFFLOADS, NO_OFFLOADS, type Offloads } from '../../src/tun/offloads.ts';
import type { LandingArea, PacketDevice, PacketReceiver } from '../../src/tun/packet-device.ts';
import { closeTun, openTun, TunDevice } from '../../src/tun/tun-device.ts';
import { GsoType, VIRTIO_HEADER_LENGTH, VirtioFlag } from '../../src/wire/virtio.ts';
import { Namespace, namespacesUnavailable } from './namespace.ts';
import { completeChecksum, echoRequest, transportChecksum, unfinishedTcp, unfinishedUdp } from './packets.ts';
import { landingArea, Recorder, send, sendVectors } from './recorder.ts';
import { encodeVirtioHeader, virtioHeader, type VirtioHeader } from './virtio.ts';

const skip = namespacesUnavailable();
const CHECKSUM_ONLY: Offloads = { checksum: true, tcp: false, udp: false };
const WITHOUT_UDP: Offloads = { checksum: true, tcp: true, udp: false };
const LEVELS: readonly [string, Offloads][] = [
  ['all offloads', ALL_OFFLOADS],
  ['no UDP super-packets', WITHOUT_UDP],
  ['checksums only', CHECKSUM_ONLY],
  ['no offloads', NO_OFFLOADS],
];

const TUN_F_TSO = 0x02 | 0x04 | 0x08;
const TUN_F_USO = 0x20 | 0x40;
const TUNSETVNETHDRSZ = 0x400454d8;

const SLOTS = 16;
/** Slots for super-packets of the greatest length. */
const SUPER_STRIDE = 66 * 1024;
const MTU = 1400;
/** Payload of a TCP segment without options that fits the MTU. */
const MSS = MTU - 40;
const SEQUENCE = 0xffff_f000;
let devices = 0;

describe('agreeOffloads', () => {
  const kernels: readonly [string, number, Offloads][] = [
    ['takes everything', ~0, ALL_OFFLOADS],
    ['knows no UDP super-packets', ~TUN_F_USO, WITHOUT_UDP],
    ['knows no super-packets', ~(TUN_F_USO | TUN_F_TSO), CHECKSUM_ONLY],
    ['knows no offloads', 0, NO_OFFLOADS],
  ];
  for (const [kernel, known, agreed] of kernels) {
    test(`a kernel that ${kernel} agrees to that`, () => {
      assert.deepEqual(
        agreeOffloads(ALL_OFFLOADS, flags => (flags & ~known) === 0),
        agreed,
      );
    });
  }

  test('a kernel that refuses even nothing offers nothing', () => {
    assert.deepEqual(
      agreeOffloads(ALL_OFFLOADS, () => false),
      NO_OFFLOADS,
    );
  });

  test('never asks for more than is wanted', () => {
    const asked: number[] = [];
    agreeOffloads(CHECKSUM_ONLY, flags => {
      asked.push(flags);
      return false;
    });
    assert.deepEqual(asked, [0x01, 0]);
  });
});

describe('openTun with offloads', { skip }, () => {
  for (const [name, wanted] of LEVELS) {
    test(`this kernel agrees to ${name}`, () => {
      const handle = openTun(uniqueName(), wanted);
      assert.deepEqual(handle.offloads, wanted);
      assert.deepEqual(structuredClone(handle), handle);
      closeTun(handle);
    });
  }

  test('a persistent device gets its header size back from whatever an earlier owner set', async () => {
    const host = new Namespace('off-p');
    const name = uniqueName();
    try {
      host.ip('tuntap', 'add', 'mode', 'tun', 'name', name);
      // It lives in the namespace; to open it by name it has to come here.
      host.ip('link', 'set', 'dev', name, 'netns', String(process.pid));
      const before = openTun(name);
      ioctl(before.fd, TUNSETVNETHDRSZ, new Uint8Array(Int32Array.of(12).buffer));
      closeTun(before);
      await using rig = attach(host, NO_OFFLOADS, '198.51.100.1/24', MTU, { name });
      const recorder = new Recorder(rig.landing);
      rig.device.start(recorder);
      await host.run('ping', '-c', '1', '-W', '0.1', '198.51.100.2');
      assert.deepEqual(
        recorder.packets.filter(packet => packet[0] === 0x45).map(packet => packet.length),
        [84],
      );
    } finally {
      host.delete();
    }
  });
});

// TCP between the kernels of two namespaces, each behind a device; this process carries packets from one device to the other.
//
//   left: TCP -- TUN <-> read, write <-> TUN -- TCP :right
describe('a TCP stream through two devices', { skip }, () => {
  const BYTES = 8 * 1024 * 1024;

  for (const family of [4, 6] as const) {
    for (const [name, wanted] of LEVELS) {
      test(`arrives intact over IPv${family} with ${name}`, async () => {
        const { digests, traffic } = await stream(family, wanted, MTU, BYTES);
        assert.equal(digests[0], digests[1]);
        assert.match(digests[0] ?? '', /^[\da-f]{64}$/);
        if (wanted.tcp) {
          assert.ok(traffic.superPackets > 0);
          assert.ok(traffic.longest > MTU && traffic.longest <= 65_535, `longest packet: ${traffic.longest}`);
          assert.deepEqual([...traffic.gsoTypes], [family === 4 ? GsoType.Tcp4 : GsoType.Tcp6]);
          assert.ok(traffic.largestSegment <= MTU - (family === 4 ? 40 : 60));
        } else {
          assert.equal(traffic.superPackets, 0);
          assert.ok(traffic.longest <= MTU);
        }
        if (wanted.checksum) assert.ok(traffic.unfinished > 0);
        else assert.equal(traffic.unfinished, 0);
      });
    }
  }

  test('a smaller MTU makes smaller segments, not smaller super-packets', async () => {
    const { digests, traffic } = await stream(4, ALL_OFFLOADS, 576, BYTES / 4);
    assert.equal(digests[0], digests[1]);
    assert.ok(traffic.largestSegment <= 576 - 40);
    assert.ok(traffic.longest > MTU);
  });
});

// A host that forwards from one device to another: what is written to the first leaves through the second as that one wants it.
describe('a packet written for the kernel to finish', { skip }, () => {
  let router: Namespace;
  before(() => {
    router = new Namespace('off-r');
    router.runBlocking('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
  });
  after(() => router.delete());

  const payload = Uint8Array.from({ length: 9 * MSS + 123 }, (_, index) => index % 251);
  const ends = { source: '198.51.100.2', destination: '203.0.113.2' };
  const tcpHeader: VirtioHeader = {
    flags: VirtioFlag.NeedsChecksum,
    gsoType: GsoType.Tcp4,
    headerLength: 40,
    gsoSize: MSS,
    checksumStart: 20,
    checksumOffset: 16,
  };
  const udpHeader: VirtioHeader = { ...tcpHeader, gsoType: GsoType.UdpL4, headerLength: 28, checksumOffset: 6 };
  const packets = [
    {
      name: 'a TCP super-packet',
      kind: 'tcp',
      header: tcpHeader,
      packet: unfinishedTcp({ ...ends, payload }, SEQUENCE),
    },
    { name: 'a UDP super-packet', kind: 'udp', header: udpHeader, packet: unfinishedUdp({ ...ends, payload }) },
  ] as const;

  for (const { name, kind, header, packet } of packets) {
    for (const [level, wanted] of LEVELS) {
      const whole = wanted[kind];
      for (const how of ['write', 'writeVectors'] as const) {
        test(`${name} (${how}) leaves ${whole ? 'whole' : 'in segments'} through a device with ${level}`, async () => {
          await using into = attach(router, ALL_OFFLOADS, '198.51.100.1/24', MTU);
          await using out = attach(router, wanted, '203.0.113.1/24', MTU);
          into.device.start(new Recorder(into.landing));
          const recorder = new Recorder(out.landing);
          out.device.start(recorder);
          const head = encodeVirtioHeader(header);
          const taken =
            how === 'write'
              ? send(into.device, into.landing, packet, head)
              : sendVectors(into.device, into.landing, [head, ...piecesOf(packet, header)]);
          assert.equal(taken, true);
          const count = whole ? 1 : Math.ceil(payload.length / MSS);
          await recorder.until(() => recorder.packets.filter(isOurs).length === count);

          const parts: Uint8Array[] = [];
          for (const [index, part] of recorder.packets.entries()) {
            if (!isOurs(part)) continue;
            const came = recorder.headers[index]!;
            assert.equal(came.gsoType, whole ? header.gsoType : GsoType.None);
            if (whole) assert.equal(came.gsoSize, MSS);
            assert.equal(finishedChecksum(part, came), 0);
            if (kind === 'tcp') assert.equal(sequenceOf(part), (SEQUENCE + parts.length * MSS) >>> 0);
            parts.push(part.subarray(header.headerLength));
          }
          assert.deepEqual(Buffer.concat(parts), Buffer.from(payload));
        });
      }
    }
  }

  test('a checksum is completed on the way out, and a plain packet left as it is', async () => {
    await using into = attach(router, ALL_OFFLOADS, '198.51.100.1/24', MTU);
    await using out = attach(router, NO_OFFLOADS, '203.0.113.1/24', MTU);
    into.device.start(new Recorder(into.landing));
    const recorder = new Recorder(out.landing);
    out.device.start(recorder);
    const short = unfinishedUdp({ ...ends, payload: payload.subarray(0, 333) });
    const header = { ...udpHeader, gsoType: GsoType.None, headerLength: 0, gsoSize: 0 };
    assert.ok(send(into.device, into.landing, short, encodeVirtioHeader(header)));
    const plain = echoRequest(ends.source, ends.destination);
    assert.ok(send(into.device, into.landing, plain));
    await recorder.until(() => recorder.packets.filter(isOurs).length === 2);
    const [udp, icmp] = recorder.packets.filter(isOurs);
    assert.equal(transportChecksum(udp!), 0);
    assert.deepEqual(icmp?.subarray(20), plain.subarray(20));
    assert.ok(recorder.headers.every(({ flags, gsoType }) => flags === 0 && gsoType === GsoType.None));
  });

  test('vectors that leave the memory, or are too many or none, are refused', async () => {
    await using rig = attach(router, ALL_OFFLOADS, '198.51.100.1/24', MTU);
    const { device, landing } = rig;
    const pieces = [new Uint8Array(VIRTIO_HEADER_LENGTH), echoRequest('198.51.100.2', '198.51.100.1')];
    assert.equal(sendVectors(device, landing, pieces), false, 'before start');
    device.start(new Recorder(landing));
    assert.equal(sendVectors(device, landing, pieces), true);
    assert.equal(device.writeVectors(landing.memory.length - 31, 2), false, 'vectors beyond the memory');
    assert.equal(device.writeVectors(-16, 2), false, 'vectors before the memory');
    assert.equal(device.writeVectors(0, 0), false, 'none');
    assert.equal(sendVectors(device, landing, [new Uint8Array(9)]), false, 'less than a header');
    const edge = device.memoryBase + landing.memory.length;
    for (const [base, length] of [
      [edge - 1, 2],
      [edge, 1],
      [device.memoryBase - 1, 2],
      [0, 1],
      [device.memoryBase, 2 ** 40],
    ] as const) {
      const view = new DataView(landing.memory.buffer);
      view.setBigUint64(16, BigInt(base), true);
      view.setBigUint64(24, BigInt(length), true);
      assert.equal(device.writeVectors(0, 2), false, `${base - device.memoryBase} + ${length}`);
    }
    device.close();
    assert.equal(sendVectors(device, landing, pieces), false, 'after close');
  });
});

/** The pieces that a gateway would write: the headers with the first segment's payload, then each further segment's payload. */
function piecesOf(packet: Uint8Array, { headerLength, gsoSize }: VirtioHeader): Uint8Array[] {
  const pieces = [packet.subarray(0, headerLength + gsoSize)];
  for (let at = headerLength + gsoSize; at < packet.length; at += gsoSize)
    pieces.push(packet.subarray(at, at + gsoSize));
  return pieces;
}

/** IPv4 from the host behind the first device: not what the kernel says by itself. */
function isOurs(packet: Uint8Array): boolean {
  return packet[0] === 0x45 && packet.subarray(12, 16).join('.') === '198.51.100.2';
}

/** Zero when the checksum is right once it is completed, if it was left to be. */
function finishedChecksum(packet: Uint8Array, { flags, checksumStart, checksumOffset }: VirtioHeader): number {
  if ((flags & VirtioFlag.NeedsChecksum) !== 0) completeChecksum(packet, checksumStart, checksumOffset);
  return transportChecksum(packet);
}

function sequenceOf(packet: Uint8Array): number {
  return new DataView(packet.buffer, packet.byteOffset).getUint32(24);
}

interface Rig extends AsyncDisposable {
  readonly device: TunDevice;
  readonly landing: LandingArea;
}

/** A device whose interface is up in the namespace. */
function attach(
  host: Namespace,
  wanted: Offloads,
  address: string,
  mtu: number,
  { name = uniqueName(), landing = landingArea(SLOTS, SUPER_STRIDE) } = {},
): Rig {
  const handle = openTun(name, wanted);
  const device = new TunDevice(handle, landing);
  host.adopt(name);
  host.ip('link', 'set', 'dev', name, 'addrgenmode', 'none');
  host.ip('address', 'add', address, 'dev', name, ...(address.includes(':') ? ['nodad'] : []));
  host.ip('link', 'set', 'dev', name, 'mtu', String(mtu), 'up');
  return {
    device,
    landing,
    [Symbol.asyncDispose]: async () => {
      device.close();
      closeTun(handle);
      await host.run('ip', 'link', 'delete', name);
    },
  };
}

/** What passed a relay. */
interface Traffic {
  superPackets: number;
  unfinished: number;
  longest: number;
  largestSegment: number;
  readonly gsoTypes: Set<number>;
}

async function stream(
  family: 4 | 6,
  wanted: Offloads,
  mtu: number,
  bytes: number,
): Promise<{ digests: string[]; traffic: Traffic }> {
  const [leftAddress, rightAddress] = family === 4 ? ['10.9.0.1', '10.9.0.2'] : ['fd00::1', 'fd00::2'];
  const prefix = family === 4 ? 24 : 64;
  const left = new Namespace('off-a');
  const right = new Namespace('off-b');
  try {
    // One memory for both directions' packets: what one device has read the other writes from where it lies.
    const landing = landingArea(2 * SLOTS, SUPER_STRIDE);
    const halves = [0, SLOTS].map(slot => ({ ...landing, slots: SLOTS, at: landing.at + slot * SUPER_STRIDE }));
    await using a = attach(left, wanted, `${leftAddress}/${prefix}`, mtu, { landing: halves[0]! });
    await using b = attach(right, wanted, `${rightAddress}/${prefix}`, mtu, { landing: halves[1]! });
    const traffic: Traffic = { superPackets: 0, unfinished: 0, longest: 0, largestSegment: 0, gsoTypes: new Set() };
    a.device.start(relay(a.landing, b.device, traffic));
    b.device.start(relay(b.landing, a.device, traffic));
    const program = fileURLToPath(new URL('stream-host.js', import.meta.url));
    const outcomes = await Promise.all([
      right.run(process.execPath, program, 'receive', rightAddress, '5001'),
      left.run(process.execPath, program, 'send', rightAddress, '5001', String(bytes)),
    ]);
    for (const { code, stderr } of outcomes) assert.equal(code, 0, stderr);
    return { digests: outcomes.map(({ stdout }) => stdout.trim()), traffic };
  } finally {
    left.delete();
    right.delete();
  }
}

/** Writes each packet to the other device, from where it lies and with the header that it came with. */
function relay({ memory }: LandingArea, other: PacketDevice, traffic: Traffic): PacketReceiver {
  const view = new DataView(memory.buffer);
  return {
    receive: (at, length) => {
      const { flags, gsoType, gsoSize } = virtioHeader(view, at);
      traffic.longest = Math.max(traffic.longest, length);
      traffic.largestSegment = Math.max(traffic.largestSegment, gsoSize);
      if ((flags & VirtioFlag.NeedsChecksum) !== 0) traffic.unfinished += 1;
      if (gsoType !== GsoType.None) {
        traffic.superPackets += 1;
        traffic.gsoTypes.add(gsoType & ~GsoType.Ecn);
      }
      other.write(at, length);
    },
    drained: () => {},
    onError: error => {
      throw error;
    },
  };
}

function uniqueName(): string {
  devices += 1;
  return `o${process.pid}x${devices}`;
}
