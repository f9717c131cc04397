import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CoalesceKind, GATHER_PACKETS } from '../../src/hotpath/coalescing.ts';
import { data, type Fields, Tcp, tcpPacket, timestamps, udpPacket, withChecksum } from './flow-packets.ts';
import { coalesce, split } from './gathering.ts';
import { implementations, writeEntry } from './implementations.ts';
import { concat } from './packets.ts';

/** Segments that follow on each other; `change` may alter the fields of each. */
function segments(count: number, fields: Fields = {}, change: (index: number) => Fields = () => ({}), size = 100) {
  return Array.from({ length: count }, (_, index) =>
    tcpPacket({
      sequence: (0xffff_ff00 + index * size) >>> 0,
      identification: 0xfffe + index,
      payload: data(size, index),
      ...fields,
      ...change(index),
    }),
  );
}

function datagrams(sizes: readonly number[], fields: Fields = {}) {
  return sizes.map((size, index) => udpPacket({ identification: 5 + index, payload: data(size, index), ...fields }));
}

for (const { name, create } of implementations) {
  describe(`coalescing, ${name}`, () => {
    const path = create();
    const counts = (packets: readonly Uint8Array[], kinds?: number): number[] =>
      coalesce(path, packets, kinds).map(superPacket => superPacket.packets);
    /** The packets come out again as they went in. */
    const assertInverse = (packets: readonly Uint8Array[]): void =>
      assert.deepEqual(coalesce(path, packets).flatMap(split), packets);

    for (const version of [4, 6] as const) {
      test(`joins TCP segments that follow on each other, IPv${version}`, () => {
        const packets = segments(10, { version, options: timestamps(3) });
        assert.deepEqual(counts(packets), [10]);
        assertInverse(packets);
      });

      test(`joins UDP datagrams of equal size, IPv${version}`, () => {
        const packets = datagrams([120, 120, 120, 120], { version });
        assert.deepEqual(counts(packets), [4]);
        assertInverse(packets);
      });

      test(`ends with a shorter segment, IPv${version}`, () => {
        const packets = [
          tcpPacket({ version, sequence: 1, identification: 1, payload: data(100) }),
          tcpPacket({ version, sequence: 101, identification: 2, payload: data(99) }),
          tcpPacket({ version, sequence: 200, identification: 3, payload: data(99) }),
        ];
        assert.deepEqual(counts(packets), [2, 1]);
        assertInverse(packets);
      });

      test(`ends with a shorter datagram, IPv${version}`, () => {
        assert.deepEqual(counts(datagrams([100, 100, 99, 99, 100, 100], { version })), [3, 1, 2]);
        assertInverse(datagrams([100, 100, 99, 99, 100, 100], { version }));
      });

      test(`ends with PSH and keeps it, IPv${version}`, () => {
        const packets = segments(6, { version }, index => ({ flags: index % 3 === 2 ? Tcp.Ack | Tcp.Psh : Tcp.Ack }));
        assert.deepEqual(counts(packets), [3, 3]);
        assertInverse(packets);
      });

      test(`keeps CWR on the first segment and says so to the device, IPv${version}`, () => {
        const packets = segments(3, { version }, index => ({ flags: index === 0 ? Tcp.Ack | Tcp.Cwr : Tcp.Ack }));
        const supers = coalesce(path, packets);
        assert.deepEqual(
          supers.map(({ virtio }) => virtio[1]),
          [(version === 4 ? 1 : 4) | 0x80],
        );
        assert.deepEqual(supers.flatMap(split), packets);
      });

      test(`leaves segments from both ends of a connection apart, IPv${version}`, () => {
        const there = segments(3, { version });
        const back = segments(3, { version, source: 2, destination: 1 });
        const packets = there.flatMap((packet, index) => [packet, back[index]!]);
        assert.deepEqual(counts(packets), [3, 3]);
      });
    }

    test('joins the segments of interleaved flows, in the order of their first packets', () => {
      const flows = [50_001, 50_002, 50_003].map((sourcePort, flow) =>
        segments(20, { sourcePort, version: flow === 1 ? 6 : 4, source: flow }),
      );
      const packets = Array.from({ length: 20 }, (_, index) => flows.map(flow => flow[index]!)).flat();
      const supers = coalesce(path, packets);
      assert.deepEqual(
        supers.map(superPacket => superPacket.packets),
        [20, 20, 20],
      );
      assert.deepEqual(supers.flatMap(split), flows.flat());
    });

    test('joins 64 packets and no more', () => {
      const packets = segments(130, {}, undefined, 20);
      assert.deepEqual(counts(packets), [64, 64, 2]);
      assertInverse(packets);
    });

    for (const version of [4, 6] as const) {
      test(`stays within 65535 bytes, IPv${version}`, () => {
        const packets = segments(50, { version }, undefined, 1400);
        assert.deepEqual(counts(packets), [46, 4]);
        assertInverse(packets);
      });
    }

    test('joins packets whose identification stays the same under DF', () => {
      const packets = segments(5, { identification: 0 });
      assert.deepEqual(counts(packets), [5]);
    });

    for (const [title, ids, expected] of [
      ['counts on and then stays', [7, 8, 8], [2, 1]],
      ['stays and then counts on', [7, 7, 8], [2, 1]],
      ['skips a number', [7, 9], [1, 1]],
      ['goes back', [7, 6], [1, 1]],
    ] as const) {
      test(`does not join under an identification that ${title}`, () => {
        const packets = segments(ids.length, {}, index => ({ identification: ids[index]! }));
        assert.deepEqual(counts(packets), expected);
      });
    }

    test('does not join packets with the same identification when they may be fragmented', () => {
      assert.deepEqual(counts(segments(3, { identification: 5, fragment: 0 })), [1, 1, 1]);
      assert.deepEqual(counts(segments(3, { fragment: 0 })), [3]);
    });

    // A packet in the middle of a flow that differs in one thing: it is not joined, and what follows is not joined across it.
    for (const [title, version, odd, expected] of [
      ['has another acknowledgment', 4, { acknowledgment: 8 }, [2, 1, 2]],
      ['has another window', 4, { window: 503 }, [2, 1, 2]],
      ['has another timestamp', 4, { options: timestamps(4) }, [2, 1, 2]],
      ['has no timestamp', 4, { options: new Uint8Array(0) }, [2, 1, 2]],
      ['has an option more', 4, { options: concat(timestamps(3), Uint8Array.of(1, 1, 1, 1)) }, [2, 1, 2]],
      ['has another time to live', 4, { ttl: 63 }, [2, 1, 2]],
      ['has another hop limit', 6, { ttl: 63 }, [2, 1, 2]],
      ['has another type of service', 4, { tos: 1 }, [2, 1, 2]],
      ['has another traffic class', 6, { tos: 3 }, [2, 1, 2]],
      ['has another flow label', 6, { flowLabel: 1 }, [2, 1, 2]],
      ['may be fragmented', 4, { fragment: 0 }, [2, 1, 2]],
      ['has the evil bit', 4, { fragment: 0xc000 }, [2, 1, 2]],
      ['has ECE', 4, { flags: Tcp.Ack | Tcp.Ece }, [2, 1, 2]],
      ['has CWR', 4, { flags: Tcp.Ack | Tcp.Cwr }, [2, 3]],
      ['is longer', 4, { payload: data(104) }, [2, 1, 2]],
      ['comes too early', 4, { sequence: 5000 }, [2, 1, 2]],
      ['is a retransmission', 4, { sequence: 0xffff_ff64 }, [2, 1, 2]],
      ['has FIN', 4, { flags: Tcp.Ack | Tcp.Fin }, [2, 1, 2]],
      ['has SYN', 6, { flags: Tcp.Ack | Tcp.Syn }, [2, 1, 2]],
      ['has RST', 4, { flags: Tcp.Ack | Tcp.Rst }, [2, 1, 2]],
      ['has URG', 4, { flags: Tcp.Ack | Tcp.Urg }, [2, 1, 2]],
      ['has no ACK', 4, { flags: 0 }, [2, 1, 2]],
      ['carries nothing', 4, { payload: new Uint8Array(0) }, [2, 1, 2]],
      ['is a first fragment', 4, { fragment: 0x2000 }, [2, 1, 2]],
      ['is a later fragment', 4, { fragment: 0x0010 }, [2, 1, 2]],
      ['has IP options', 4, { ipOptions: Uint8Array.of(1, 1, 1, 1) }, [2, 1, 2]],
    ] as const) {
      test(`passes a segment unmerged and unharmed that ${title}`, () => {
        const fields = { version, options: timestamps(3) };
        const packets = segments(5, fields, index => (index === 2 ? odd : {}));
        const supers = coalesce(path, packets);
        assert.deepEqual(
          supers.map(superPacket => superPacket.packets),
          expected,
        );
        assert.deepEqual(supers.flatMap(split), packets);
      });
    }

    for (const [title, at, value] of [
      ['a wrong TCP checksum', 36, 0x5a],
      ['a wrong IPv4 checksum', 10, 0x5a],
      ['a data offset under 5', 32, 0x40],
      ['a data offset beyond its end', 32, 0xf0],
      ['a changed byte of data', 139, 0x5a],
    ] as const) {
      for (const where of [0, 1, 2]) {
        test(`passes packet ${where} of three with ${title} unharmed and unmerged`, () => {
          const packets = segments(3);
          if (at === 32 && value === 0xf0) packets[where] = packets[where]!.subarray(0, 60);
          packets[where]!.set([packets[where]![at] === value ? value ^ 1 : value], at);
          const result = coalesce(path, packets);
          assert.deepEqual(result.flatMap(split), packets);
          assert.deepEqual(
            result.map(superPacket => superPacket.packets),
            where === 1 ? [1, 1, 1] : where === 0 ? [1, 2] : [2, 1],
          );
        });
      }
    }

    test('passes datagrams without a checksum unmerged', () => {
      const packets = datagrams([80, 80, 80]);
      for (const packet of packets) packet.fill(0, 26, 28);
      assert.deepEqual(counts(packets), [1, 1, 1]);
      assertInverse(packets);
    });

    test('passes datagrams unmerged whose length is not the packet’s', () => {
      const packets = datagrams([80, 80, 80]).map(packet => {
        packet[25]! -= 1;
        return withChecksum(packet, 6);
      });
      assert.deepEqual(counts(packets), [1, 1, 1]);
      assertInverse(packets);
    });

    test('passes empty datagrams unmerged', () => {
      assert.deepEqual(counts(datagrams([0, 0, 0])), [1, 1, 1]);
    });

    test('merges only what it was told to', () => {
      const packets = [...segments(3), ...datagrams([50, 50, 50])];
      assert.deepEqual(counts(packets, CoalesceKind.Tcp), [3, 1, 1, 1]);
      assert.deepEqual(counts(packets, CoalesceKind.Udp), [1, 1, 1, 3]);
      assert.deepEqual(counts(packets, 0), [1, 1, 1, 1, 1, 1]);
    });

    test('lets nothing join a super-packet across a fragment of the same source, but of another', () => {
      const flow = segments(4, { source: 1 });
      const other = segments(4, { source: 9 });
      const fragment = tcpPacket({ source: 1, fragment: 0x0010, payload: data(40) });
      const packets = [flow[0]!, other[0]!, flow[1]!, other[1]!, fragment, flow[2]!, other[2]!, flow[3]!, other[3]!];
      assert.deepEqual(counts(packets), [2, 4, 1, 2]);
    });

    test('lets a flow pass ICMP of the same source', () => {
      const icmp = tcpPacket({ payload: data(40) });
      icmp[9] = 1;
      const flow = segments(4);
      assert.deepEqual(counts([flow[0]!, icmp, ...flow.slice(1)]), [4, 1]);
    });

    test('lets nothing join across an IPv6 extension header', () => {
      const flow = segments(4, { version: 6 });
      const hidden = segments(1, { version: 6 })[0]!;
      hidden[6] = 44;
      assert.deepEqual(counts([flow[0]!, flow[1]!, hidden, flow[2]!, flow[3]!]), [2, 1, 2]);
    });

    test('does not join packets with the reserved flag of IPv4', () => {
      assert.deepEqual(counts(segments(3, { fragment: 0xc000 })), [1, 1, 1]);
    });

    for (const version of [4, 6] as const) {
      test(`tells 2025 flows apart that differ in an address only, IPv${version}`, () => {
        const flows = Array.from({ length: 2025 }, (_, flow) =>
          segments(2, { version, source: flow % 45, destination: 100 + Math.floor(flow / 45) }, undefined, 1),
        );
        const packets = [0, 1].flatMap(index => flows.map(flow => flow[index]!));
        const supers = coalesce(path, packets);
        assert.deepEqual(new Set(supers.map(superPacket => superPacket.packets)), new Set([2]));
        assert.deepEqual(supers.flatMap(split), flows.flat());
      });
    }

    test('forgets flows at the reset', () => {
      const packets = segments(4);
      assert.deepEqual(counts(packets.slice(0, 2)), [2]);
      assert.deepEqual(counts(packets.slice(2)), [2]);
    });

    test('stops at a full round and goes on behind it', () => {
      const packets = Array.from({ length: GATHER_PACKETS + 10 }, (_, index) =>
        udpPacket({ sourcePort: index, payload: data(4, index), identification: 3 }),
      );
      const size = packets[0]!.length;
      for (const [index, packet] of packets.entries()) {
        path.memory.set(packet, path.inputAt + index * size);
        writeEntry(path, index, path.inputAt + index * size, size, index === 5 ? 0 : 0x0021);
      }
      path.coalesceKinds(CoalesceKind.Udp);
      assert.equal(path.gather(packets.length, 0, 0), GATHER_PACKETS);
      assert.equal(path.gathered(), GATHER_PACKETS + 1);
      assert.equal(path.gather(packets.length, path.gathered(), 0), 0, 'the round is full');
      assert.equal(path.gatherEnd(), GATHER_PACKETS);
      path.gatherReset();
      assert.equal(path.gather(packets.length, path.gathered(), 0), 9);
      assert.equal(path.gathered(), packets.length);
      assert.equal(path.gatherEnd(), 9);
      path.gatherReset();
    });

    test('takes IPv4 and IPv6 entries only, from where it is told', () => {
      const packet = segments(1)[0]!;
      path.memory.set(packet, path.inputAt);
      for (const [index, protocol] of [0x0021, 0, 0x0021, 2, 4, 6, 0xc021, 0x0021].entries()) {
        writeEntry(path, index, path.inputAt, packet.length, protocol);
      }
      assert.equal(path.gather(8, 1, 0), 2);
      assert.equal(path.gather(7, 7, 0), 0);
      assert.equal(path.gather(0, 0, 0), 0);
      path.gatherReset();
    });

    test('joins packets across several tables', () => {
      const packets = segments(6);
      path.coalesceKinds(CoalesceKind.Tcp);
      let at = path.inputAt;
      for (const packet of packets) {
        path.memory.set(packet, at);
        writeEntry(path, 0, at, packet.length, 0x0021);
        assert.equal(path.gather(1, 0, 0), 1);
        at += 2000;
      }
      assert.equal(path.gatherEnd(), 1);
      path.gatherReset();
    });

    test('adds offsets to the memory’s address with a carry', () => {
      path.setMemoryBase(0xffff_ffff, 5);
      path.memory.set(segments(1)[0]!, path.inputAt);
      writeEntry(path, 0, path.inputAt, 140, 0x0021);
      path.gather(1, 0, 0);
      path.gatherEnd();
      assert.equal(path.view.getBigUint64(path.vectorsAt + 16, true), 0x5_ffff_ffffn + BigInt(path.inputAt));
      path.gatherReset();
    });
  });
}
