import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { ANY_SOURCE, EntryMark, type PacketPath } from '../../src/hotpath/packet-path.ts';
import { data, pseudoPacket, Tcp, tcpPacket, udpPacket } from './flow-packets.ts';
import { changedRanges, implementations, readEntries, writeEntry } from './implementations.ts';
import { concat, mssOption, onesComplementSum } from './packets.ts';

const IPV6 = 0x0057;
const SLOT = 7;
/** Where the packets of flow-packets.ts come from: 2001:db8:1::1. */
const SOURCE = Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const LINK_LOCAL = Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5);
const ALL_ROUTERS = Uint8Array.of(0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);

for (const { name, create } of implementations) {
  describe(`admit6, ${name}`, () => {
    const path = create();
    const packet = udpPacket({ version: 6, payload: data(30) });

    for (const prefixLength of [0, 1, 32, 48, 56, 63, 64, 65, 96, 127, 128]) {
      test(`admits a source inside of a /${prefixLength} and refuses one outside`, () => {
        // Bits behind the prefix differ from the source's.
        const prefix = SOURCE.slice();
        for (let bit = prefixLength; bit < 128; bit += 1) prefix[bit >> 3]! ^= 0x80 >> (bit & 7);
        assert.deepEqual(judge(path, packet, prefix, prefixLength), { left: 1, length: 78, protocol: IPV6, packet });
        for (const bit of [0, prefixLength >> 1, prefixLength - 1].filter(bit => bit >= 0 && bit < prefixLength)) {
          const other = prefix.slice();
          other[bit >> 3]! ^= 0x80 >> (bit & 7);
          const { left, protocol } = judge(path, packet, other, prefixLength);
          assert.deepEqual([left, protocol], [0, EntryMark.Spoofed], `bit ${bit}`);
        }
      });
    }

    test('accepts every source when none is asked for', () => {
      const slotless = judge(path, packet, SOURCE, undefined);
      assert.deepEqual([slotless.left, slotless.protocol], [1, IPV6]);
    });

    test('admits each source of a table by itself', () => {
      // The same twice, a stranger, the same, one of another prefix of the tunnel.
      const [own, delegated, strange] = [SOURCE, altered(SOURCE, 0, 0x21), altered(SOURCE, 0, 0x22)];
      const sources = [own, own, strange, own, delegated];
      for (const prefix of [own, delegated]) withRoute(path, prefix, 64, SLOT);
      withRoute(path, strange, 64, SLOT + 1);
      for (const [index, source] of sources.entries()) {
        path.memory.set(addressed(packet, source, SOURCE), path.inputAt + index * 128);
        writeEntry(path, index, path.inputAt + index * 128, packet.length, IPV6);
      }
      assert.equal(path.admit6(sources.length, SLOT, 0), 4);
      const marks = readEntries(path, sources.length).map(({ protocol }) => protocol);
      assert.deepEqual(marks, [IPV6, IPV6, EntryMark.Spoofed, IPV6, IPV6]);
      for (const prefix of [own, delegated, strange]) withoutRoute(path, prefix, 64);
    });

    test('takes an IPv4 network for no source of IPv6', () => {
      path.networkAdd(0x0a0b_0000, 16, SLOT);
      const mapped = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0x0a, 0x0b, 0, 1);
      assert.equal(judge(path, addressed(packet, mapped, SOURCE), SOURCE, 64).protocol, EntryMark.Spoofed);
      path.networkRemove(0x0a0b_0000, 16);
    });

    test('trims padding behind the payload length', () => {
      const { left, length } = judge(path, concat(packet, new Uint8Array(9)), SOURCE, 64);
      assert.deepEqual([left, length], [1, packet.length]);
    });

    for (const [title, change] of [
      ['version 4', (copy: Uint8Array) => copy.fill(0x45, 0, 1)],
      ['a payload length beyond the frame', (copy: Uint8Array) => copy.fill(39, 5, 6)],
      ['a payload length of 65535', (copy: Uint8Array) => copy.fill(0xff, 4, 6)],
    ] as const) {
      test(`refuses a packet with ${title}`, () => {
        const copy = packet.slice();
        change(copy);
        const { left, protocol } = judge(path, copy, SOURCE, 0);
        assert.deepEqual([left, protocol], [0, EntryMark.Malformed]);
      });
    }

    test('refuses every length under 40', () => {
      for (let length = 0; length < 40; length += 1) {
        assert.equal(judge(path, packet.subarray(0, length), SOURCE, 0).protocol, EntryMark.Malformed);
      }
    });

    for (const [title, source, destination, protocol] of [
      ['link-local to multicast', LINK_LOCAL, ALL_ROUTERS, EntryMark.ToControl],
      ['link-local to link-local', LINK_LOCAL, LINK_LOCAL, EntryMark.ToControl],
      ['link-local at the end of its range', altered(LINK_LOCAL, 1, 0xbf), ALL_ROUTERS, EntryMark.ToControl],
      ['link-local to the world', LINK_LOCAL, SOURCE, EntryMark.Spoofed],
      ['not quite link-local to multicast', altered(LINK_LOCAL, 1, 0xc0), ALL_ROUTERS, EntryMark.Spoofed],
      ['the world to link-local', altered(SOURCE, 0, 0x21), LINK_LOCAL, EntryMark.Spoofed],
      ['its own address to link-local', SOURCE, LINK_LOCAL, EntryMark.ToControl],
      ['its own address to a group of the link', SOURCE, ALL_ROUTERS, EntryMark.ToControl],
      ['its own address to a wider group', SOURCE, altered(ALL_ROUTERS, 1, 0x05), IPV6],
      ['the unspecified address to multicast', new Uint8Array(16), ALL_ROUTERS, EntryMark.ToControl],
      ['the unspecified address to the world', new Uint8Array(16), SOURCE, EntryMark.Spoofed],
    ] as const) {
      test(`marks ${title}`, () => {
        const asked = concat(addressed(packet, source, destination), new Uint8Array(4));
        const result = judge(path, asked, SOURCE, 64);
        assert.deepEqual([result.left, result.protocol], [protocol === IPV6 ? 1 : 0, protocol]);
        if (protocol === EntryMark.ToControl) {
          assert.equal(result.length, packet.length);
          assert.equal(judge(path, asked, SOURCE, undefined).protocol, protocol, 'also when every source is accepted');
        }
      });
    }

    test('leaves entries of other protocols alone', () => {
      path.memory.set(packet, path.inputAt);
      const protocols = [IPV6, 0x0021, 0, 2, 4, 6, 0x8057, IPV6];
      for (const [index, protocol] of protocols.entries()) {
        writeEntry(path, index, path.inputAt, packet.length, protocol);
      }
      withRoute(path, SOURCE, 128, SLOT);
      assert.equal(path.admit6(protocols.length - 1, SLOT, 1300), 1);
      withoutRoute(path, SOURCE, 128);
      const kept = readEntries(path, protocols.length).map(({ protocol }) => protocol);
      assert.deepEqual(kept, protocols);
    });

    test('lowers the MSS of a SYN, the checksum following', () => {
      for (const [announced, mss, options] of [
        [1440, 1300, mssOption(1440)],
        [1200, 1300, mssOption(1200)],
        [9000, 1220, concat(Uint8Array.of(1), mssOption(9000), Uint8Array.of(1, 1, 1))],
      ] as const) {
        const syn = tcpPacket({ version: 6, flags: Tcp.Syn, options });
        const result = judge(path, syn, SOURCE, 64, mss).packet;
        const at = 60 + (options.length % 4) + (options[0] === 1 ? 1 : 0);
        assert.deepEqual(result.slice(at, at + 4), mssOption(Math.min(announced, mss)));
        assert.equal(onesComplementSum(pseudoPacket(result)), 0xffff);
      }
    });

    for (const [title, change] of [
      ['without SYN', (syn: Uint8Array) => syn.fill(Tcp.Ack, 53, 54)],
      ['behind an extension header', (syn: Uint8Array) => syn.fill(0, 6, 7)],
      ['whose header is longer than the packet', (syn: Uint8Array) => syn.fill(0xf0, 52, 53)],
      ['of another source', (syn: Uint8Array) => syn.fill(0x99, 8, 9)],
    ] as const) {
      test(`leaves a TCP packet as it is ${title}`, () => {
        const syn = tcpPacket({ version: 6, flags: Tcp.Syn, options: mssOption(1440) });
        change(syn);
        assert.deepEqual(judge(path, syn, SOURCE, 64, 1300).packet, syn);
      });
    }

    test('writes nothing outside of the entry, the MSS option and the checksum', () => {
      const syn = tcpPacket({ version: 6, flags: Tcp.Syn, options: mssOption(1440) });
      path.memory.set(syn, path.inputAt);
      writeEntry(path, 0, path.inputAt, syn.length, IPV6);
      const ranges = changedRanges(path, () => path.admit6(1, ANY_SOURCE, 536));
      const allowed = [
        [path.inputAt + 56, path.inputAt + 58],
        [path.inputAt + 62, path.inputAt + 64],
      ] as const;
      assert.ok(ranges.every(([from, to]) => allowed.some(([start, end]) => from >= start && to <= end)));
      assert.ok(ranges.length > 0);
    });
  });
}

test('the builds and the twin agree on IPv6 packets with random damage', () => {
  const paths = implementations.map(({ create }) => create());
  const whole = tcpPacket({ version: 6, flags: Tcp.Syn, options: concat(mssOption(1440), Uint8Array.of(1, 1, 1, 0)) });
  const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 6 });
  fc.assert(
    fc.property(
      damage,
      fc.nat(whole.length),
      fc.constantFrom(undefined, 0, 7, 64, 128),
      fc.constantFrom(0, 1300),
      (bytes, cut, ...how) => {
        const packet = whole.slice(0, cut % 5 === 0 ? cut : whole.length);
        for (const [at, value] of bytes) packet.fill(value, at, at + 1);
        const [first, ...others] = paths.map(path => judge(path, packet, SOURCE, ...how));
        for (const other of others) assert.deepEqual(other, first);
      },
    ),
    { numRuns: 2000 },
  );
});

/** Admits one packet of a tunnel with this prefix, or of any source, and gives the entry's and the packet's bytes after it. */
function judge(path: PacketPath, packet: Uint8Array, prefix: Uint8Array, prefixLength: number | undefined, mss = 0) {
  path.memory.fill(0xa5, path.inputAt, path.inputAt + 256);
  path.memory.set(packet, path.inputAt);
  writeEntry(path, 0, path.inputAt, packet.length, IPV6);
  if (prefixLength !== undefined) withRoute(path, prefix, prefixLength, SLOT);
  const left = path.admit6(1, prefixLength === undefined ? ANY_SOURCE : SLOT, mss);
  if (prefixLength !== undefined) withoutRoute(path, prefix, prefixLength);
  const [entry] = readEntries(path, 1);
  assert.ok(entry !== undefined && entry.at === 0);
  return {
    left,
    length: entry.length,
    protocol: entry.protocol,
    packet: path.memory.slice(path.inputAt, path.inputAt + packet.length),
  };
}

function withRoute(path: PacketPath, prefix: Uint8Array, prefixLength: number, slot: number): void {
  path.memory.set(prefix, path.scratchAt);
  assert.ok(path.route6Add(path.scratchAt, prefixLength, slot));
}

function withoutRoute(path: PacketPath, prefix: Uint8Array, prefixLength: number): void {
  path.memory.set(prefix, path.scratchAt);
  assert.ok(path.route6Remove(path.scratchAt, prefixLength));
}

function addressed(packet: Uint8Array, source: Uint8Array, destination: Uint8Array): Uint8Array {
  return concat(packet.subarray(0, 8), source, destination, packet.subarray(40));
}

function altered(address: Uint8Array, at: number, value: number): Uint8Array {
  return address.with(at, value);
}
