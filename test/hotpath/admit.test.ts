import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { EntryMark, type PacketPath } from '../../src/hotpath/packet-path.ts';
import { changedRanges, type Entry, implementations, readEntries, writeEntry } from './implementations.ts';
import { CLIENT, concat, ipv4, mssOption, SERVER, tcp, TCP_ACK, TCP_SYN, tcpSum } from './packets.ts';

const IPV4 = 0x0021;
const SLOT = 7;
const GATEWAY = 0x0a42_0001;
const NOP = Uint8Array.of(1);
const TIMESTAMPS = Uint8Array.of(8, 10, 0, 0, 0, 1, 0, 0, 0, 0);

for (const { name, create } of implementations) {
  describe(`admit, ${name}`, () => {
    const path = create();

    test('admits a packet from the tunnel’s own address', () => {
      const packet = ipv4({ payload: new Uint8Array(30) });
      assert.deepEqual(judge(path, packet, CLIENT, 0), { left: 1, length: 50, protocol: IPV4, packet });
    });

    test('refuses a packet from another address', () => {
      const { left, protocol } = judge(path, ipv4({ source: CLIENT + 1 }), CLIENT, 0);
      assert.deepEqual([left, protocol], [0, EntryMark.Spoofed]);
    });

    test('compares addresses above 127.255.255.255 as unsigned numbers', () => {
      assert.equal(judge(path, ipv4({ source: 0xfffe_fdfc }), 0xfffe_fdfc, 0).left, 1);
      assert.equal(judge(path, ipv4({ source: 0x8000_0001 }), 0x8000_0001, 0).left, 1);
    });

    test('admits any source address when none is given', () => {
      assert.equal(judge(path, ipv4({ source: 0x0808_0808 }), 0, 0).left, 1);
    });

    test('trims padding behind the IP packet', () => {
      const { left, length } = judge(path, concat(ipv4({ payload: new Uint8Array(8) }), new Uint8Array(18)), CLIENT, 0);
      assert.deepEqual([left, length], [1, 28]);
    });

    for (const [title, change] of [
      ['version 6', (packet: Uint8Array) => packet.fill(0x65, 0, 1)],
      ['a header of 16 bytes', (packet: Uint8Array) => packet.fill(0x44, 0, 1)],
      ['a header longer than its total length', (packet: Uint8Array) => packet.fill(0x4f, 0, 1)],
      ['a total length beyond the frame', (packet: Uint8Array) => packet.fill(51, 3, 4)],
      ['a total length under 20', (packet: Uint8Array) => packet.fill(19, 3, 4)],
      ['a total length of 0', (packet: Uint8Array) => packet.fill(0, 3, 4)],
    ] as const) {
      test(`refuses a packet with ${title}`, () => {
        const packet = ipv4({ payload: new Uint8Array(30) });
        change(packet);
        const result = judge(path, packet, CLIENT, 1300);
        assert.deepEqual(result, { left: 0, length: 50, protocol: EntryMark.Malformed, packet });
      });
    }

    test('refuses every length under 20', () => {
      for (let length = 0; length < 20; length += 1) {
        const { left, protocol } = judge(path, ipv4().subarray(0, length), CLIENT, 1300);
        assert.deepEqual([left, protocol], [0, EntryMark.Malformed]);
      }
    });

    test('judges each IPv4 entry of a table and leaves the others alone', () => {
      const good = ipv4();
      const spoofed = ipv4({ source: SERVER });
      const at = path.inputAt;
      path.memory.set(concat(good, spoofed), at);
      writeEntry(path, 0, at, 20, IPV4);
      writeEntry(path, 1, at, 20, EntryMark.Control);
      writeEntry(path, 2, at + 20, 20, IPV4);
      writeEntry(path, 3, at, 20, 0x0057);
      writeEntry(path, 4, at, 3, EntryMark.NoPppHeader);
      writeEntry(path, 5, at, 20, IPV4);
      writeEntry(path, 6, at + 20, 20, IPV4);
      assert.equal(path.admit(6, CLIENT, 0, 1300), 2);
      assert.deepEqual(
        readEntries(path, 7).map((entry: Entry) => entry.protocol),
        [IPV4, EntryMark.Control, EntryMark.Spoofed, 0x0057, EntryMark.NoPppHeader, IPV4, IPV4],
      );
    });

    test('admits sources of networks that are routed to the tunnel, and of no other', () => {
      const [lan, other] = [0x0a0b_0000, 0x0a0c_0000];
      path.networkAdd(lan, 16, SLOT);
      path.networkAdd(other, 16, SLOT + 1);
      assert.equal(judge(path, ipv4({ source: lan + 5 }), CLIENT, 0).left, 1);
      for (const source of [other + 5, 0x0a0d_0001]) {
        assert.equal(judge(path, ipv4({ source }), CLIENT, 0).protocol, EntryMark.Spoofed);
      }
      path.networkRemove(lan, 16);
      assert.equal(judge(path, ipv4({ source: lan + 5 }), CLIENT, 0).protocol, EntryMark.Spoofed);
      assert.equal(path.networkRemove(other, 16), true);
    });

    for (const [title, destination, change, isForDhcp] of [
      ['broadcast', 0xffff_ffff, {}, true],
      ['to the gateway', GATEWAY, {}, true],
      ['to another server', SERVER, {}, false],
      ['to another port', GATEWAY, { port: 68 }, false],
      ['as a fragment', GATEWAY, { fragment: 0x2000 }, false],
      ['as TCP', GATEWAY, { protocol: 6 }, false],
      ['too short for its header', GATEWAY, { length: 27 }, false],
    ] as const) {
      test(`a datagram to the DHCP server port ${title} is ${isForDhcp ? '' : 'not '}for the control side`, () => {
        const packet = dhcpPacket(destination, change);
        path.dhcpServer(GATEWAY);
        const { left, protocol } = judge(path, packet, CLIENT, 0);
        assert.deepEqual([left, protocol], isForDhcp ? [0, EntryMark.ToControl] : [1, IPV4]);
        path.dhcpServer(0);
        assert.equal(judge(path, packet, CLIENT, 0).protocol, IPV4);
      });
    }

    test('takes an empty table', () => {
      assert.equal(path.admit(0, CLIENT, 0, 1300), 0);
    });

    test('writes nothing outside of the entry and the MSS option and checksum', () => {
      const packet = tcp(mssOption(1460));
      path.memory.set(packet, path.inputAt);
      writeEntry(path, 0, path.inputAt, packet.length, IPV4);
      const ranges = changedRanges(path, () => path.admit(1, CLIENT, 0, 536));
      const allowed = [
        [path.inputAt + 36, path.inputAt + 38],
        [path.inputAt + 42, path.inputAt + 44],
      ] as const;
      assert.ok(ranges.every(([from, to]) => allowed.some(([start, end]) => from >= start && to <= end)));
      assert.ok(ranges.length >= 2);
    });

    describe('with an MSS to clamp to', () => {
      for (const [title, packet, at] of [
        ['a SYN', tcp(mssOption(1460)), 40],
        ['a SYN-ACK', tcp(mssOption(1460), TCP_SYN | TCP_ACK), 40],
        ['a SYN with data', tcp(mssOption(1460), TCP_SYN, Uint8Array.of(1, 2, 3)), 40],
        ['a SYN whose MSS is not its first option', tcp(concat(TIMESTAMPS, NOP, NOP, mssOption(9000))), 52],
        ['a SYN whose MSS is at an odd offset', tcp(concat(NOP, mssOption(1460))), 41],
        ['a SYN behind IP options', tcp(mssOption(1460), TCP_SYN, NOP, { options: new Uint8Array(8) }), 48],
        ['a SYN behind the longest IP header', tcp(mssOption(1460), TCP_SYN, NOP, { options: new Uint8Array(40) }), 80],
        ['the first fragment of a SYN', tcp(mssOption(1460), TCP_SYN, NOP, { moreFragments: true }), 40],
        ['a SYN with an MSS of 65535', tcp(mssOption(65_535)), 40],
      ] as const) {
        test(`lowers it in ${title}, the checksum following`, () => {
          const result = judge(path, packet, CLIENT, 1360);
          assert.deepEqual([result.left, result.protocol], [1, IPV4]);
          assert.deepEqual(result.packet.slice(at, at + 4), mssOption(1360));
          assert.equal(tcpSum(result.packet), 0xffff);
        });
      }

      for (const [title, packet] of [
        ['a SYN with a smaller MSS', tcp(mssOption(536))],
        ['a SYN with the same MSS', tcp(mssOption(1360))],
        ['a SYN without options', tcp(new Uint8Array(0))],
        ['a segment without SYN', tcp(mssOption(1460), TCP_ACK)],
        ['a UDP datagram', ipv4({ payload: tcp(mssOption(1460)).slice(20), protocol: 17 })],
        ['a later fragment', tcp(mssOption(1460), TCP_SYN, NOP, { fragmentOffset: 1 })],
        ['a later fragment at the highest offset', tcp(mssOption(1460), TCP_SYN, NOP, { fragmentOffset: 0x1fff })],
        ['an MSS option behind the end of options', tcp(concat(Uint8Array.of(0), NOP, NOP, NOP, mssOption(1460)))],
        ['an MSS option of length 3', tcp(Uint8Array.of(2, 3, 0xff, 0))],
        ['an option of length 0', tcp(concat(Uint8Array.of(8, 0), mssOption(1460)))],
        ['an option of length 1', tcp(concat(Uint8Array.of(8, 1), mssOption(1460)))],
        ['an option that is longer than the header', tcp(concat(Uint8Array.of(8, 9), mssOption(1460)))],
        ['an option kind at the last byte', tcp(concat(NOP, NOP, NOP, Uint8Array.of(2)))],
        ['an MSS option cut by the end of the header', tcp(concat(NOP, NOP, Uint8Array.of(2, 4)), TCP_SYN, NOP)],
        ['a TCP header cut short', ipv4({ protocol: 6, payload: tcp(mssOption(1460)).slice(20, 39) })],
        ['options cut short', ipv4({ protocol: 6, payload: tcp(mssOption(1460)).slice(20, 43) })],
        ['a data offset under 5', patched(tcp(mssOption(1460)), 32, 0x40)],
        ['a data offset of 0', patched(tcp(mssOption(1460)), 32, 0x00)],
        ['a data offset beyond the packet', patched(tcp(mssOption(1460)), 32, 0xf0)],
      ] as const) {
        test(`leaves ${title} as it is`, () => {
          const result = judge(path, packet, CLIENT, 1360);
          assert.deepEqual(result, { left: 1, length: packet.length, protocol: IPV4, packet });
        });
      }

      test('does not read a SYN out of the padding behind the packet', () => {
        const syn = tcp(mssOption(1460));
        const short = patched(syn, 3, 30);
        assert.deepEqual(judge(path, short, CLIENT, 1360).packet, short);
      });

      test('leaves a SYN alone that is refused', () => {
        const packet = tcp(mssOption(1460), TCP_SYN, NOP, { source: SERVER });
        assert.deepEqual(judge(path, packet, CLIENT, 1360).packet, packet);
      });

      test('keeps the checksum right for any MSS, options and data', () => {
        fc.assert(
          fc.property(
            fc.nat(65_535),
            fc.integer({ min: 1, max: 65_535 }),
            fc.nat(12),
            fc.uint8Array({ maxLength: 9 }),
            (announced, mss, nops, data) => {
              const packet = tcp(concat(new Uint8Array(nops).fill(1), mssOption(announced)), TCP_SYN, data);
              const result = judge(path, packet, CLIENT, mss).packet;
              assert.deepEqual(result.slice(40 + nops, 44 + nops), mssOption(Math.min(announced, mss)));
              assert.equal(tcpSum(result), 0xffff);
            },
          ),
          { numRuns: 500 },
        );
      });
    });
  });
}

test('the builds and the twin agree on packets with random damage', () => {
  const paths = implementations.map(({ create }) => create());
  const damage = fc.array(fc.tuple(fc.nat(79), fc.nat(255)), { maxLength: 6 });
  const whole = tcp(concat(NOP, TIMESTAMPS, NOP, mssOption(1460)), TCP_SYN, new Uint8Array(16));
  fc.assert(
    fc.property(
      damage,
      fc.nat(whole.length),
      fc.constantFrom(0, CLIENT),
      fc.constantFrom(0, 1, 1300),
      (bytes, cut, ...how) => {
        const packet = bytes
          .reduce((packet, [at, value]) => patched(packet, at, value), whole)
          .subarray(cut % 5 ? 0 : cut);
        const [first, ...others] = paths.map(path => judge(path, packet, ...how));
        for (const other of others) assert.deepEqual(other, first);
      },
    ),
    { numRuns: 3000 },
  );
});

/** Admits one packet and gives the entry's and the packet's bytes after it. */
function judge(path: PacketPath, packet: Uint8Array, source: number, mss: number) {
  path.memory.fill(0xa5, path.inputAt, path.inputAt + 256);
  path.memory.set(packet, path.inputAt);
  writeEntry(path, 0, path.inputAt, packet.length, IPV4);
  const left = path.admit(1, source, SLOT, mss);
  const [entry] = readEntries(path, 1);
  assert.ok(entry !== undefined && entry.at === 0);
  return {
    left,
    length: entry.length,
    protocol: entry.protocol,
    packet: path.memory.slice(path.inputAt, path.inputAt + packet.length),
  };
}

function dhcpPacket(
  destination: number,
  change: { readonly port?: number; readonly fragment?: number; readonly protocol?: number; readonly length?: number },
): Uint8Array {
  const { port = 67, fragment = 0, protocol = 17, length = 30 } = change;
  const packet = new Uint8Array(length);
  const view = new DataView(packet.buffer);
  view.setUint8(0, 0x45);
  view.setUint16(2, length);
  view.setUint16(6, fragment);
  view.setUint8(9, protocol);
  view.setUint32(12, CLIENT);
  view.setUint32(16, destination);
  view.setUint16(20, 68);
  view.setUint16(22, port);
  return packet;
}

function patched(packet: Uint8Array, at: number, value: number): Uint8Array {
  const copy = packet.slice();
  copy[at] = value;
  return copy;
}
