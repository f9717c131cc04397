import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ALL_OFFLOADS, type Offloads } from '../../src/tun/offloads.ts';
import type { LandingArea, PacketDevice, PacketReceiver } from '../../src/tun/packet-device.ts';
import { GsoType, VirtioFlag } from '../../src/wire/virtio.ts';
import { Namespace, namespacesUnavailable } from './namespace.ts';
import { landingArea } from './recorder.ts';
import { attach, OFFLOAD_LEVELS, SLOTS, SUPER_STRIDE } from './rig.ts';
import { virtioHeader } from './virtio.ts';

const skip = namespacesUnavailable();
const MTU = 1400;

// TCP between the kernels of two namespaces, each behind a device; this process carries packets from one device to the other.
//
//   left: TCP -- TUN <-> read, write <-> TUN -- TCP :right
describe('a TCP stream through two devices', { skip }, () => {
  const BYTES = 8 * 1024 * 1024;

  for (const family of [4, 6] as const) {
    for (const [name, wanted] of OFFLOAD_LEVELS) {
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
