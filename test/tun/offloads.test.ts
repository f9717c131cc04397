import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ioctl } from '../../src/ffi/libc.ts';
import { agreeOffloads, ALL_OFFLOADS, NO_OFFLOADS, type Offloads } from '../../src/tun/offloads.ts';
import { closeTun, openTun } from '../../src/tun/tun-device.ts';
import { GsoType, VIRTIO_HEADER_LENGTH, VirtioFlag } from '../../src/wire/virtio.ts';
import { Namespace, namespacesUnavailable } from './namespace.ts';
import { completeChecksum, echoRequest, transportChecksum, unfinishedTcp, unfinishedUdp } from './packets.ts';
import { Recorder, send, sendVectors } from './recorder.ts';
import { attach, OFFLOAD_LEVELS, uniqueName } from './rig.ts';
import { encodeVirtioHeader, type VirtioHeader } from './virtio.ts';

const skip = namespacesUnavailable();
const WITHOUT_UDP: Offloads = { checksum: true, tcp: true, udp: false };
const CHECKSUM_ONLY: Offloads = { checksum: true, tcp: false, udp: false };

// linux/if_tun.h
const TUN_F_TSO = 0x02 | 0x04 | 0x08;
const TUN_F_USO = 0x20 | 0x40;
const TUNSETVNETHDRSZ = 0x400454d8;

const MTU = 1400;
/** Payload of a TCP segment without options that fits the MTU. */
const MSS = MTU - 40;
const SEQUENCE = 0xffff_f000;

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
  for (const [name, wanted] of OFFLOAD_LEVELS) {
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
    for (const [level, wanted] of OFFLOAD_LEVELS) {
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
