import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Arrivals } from '../../bench/load/arrivals.ts';
import { Datagram, sequenceOf } from '../../bench/load/datagram.ts';
import { MIN_PACKET_LENGTH } from '../../bench/load/protocol.ts';
import { internetChecksum, parseIpv4 } from '../../src/wire/ip.ts';
import { echoRequest, udpChecksum } from '../tun/packets.ts';

const AT = 7;
const SOURCE = parseIpv4('10.66.0.2')!;
const DESTINATION = parseIpv4('255.255.255.254')!;

describe('a datagram of the load', () => {
  const view = new DataView(new ArrayBuffer(2000));

  for (const length of [MIN_PACKET_LENGTH, 33, 64, 1400]) {
    test(`has right checksums however it is stamped: ${length} bytes`, () => {
      const datagram = new Datagram(view, AT, length);
      for (const sequence of [0, 1, 0xffff, 0x10000, 0xffffffff]) {
        datagram.stamp(SOURCE, DESTINATION, sequence);
        const packet = new DataView(view.buffer, AT, length);
        assert.equal(internetChecksum(packet, 0, 20), 0);
        assert.equal(udpChecksum(packet), 0);
        assert.equal(packet.getUint32(12), SOURCE);
        assert.equal(packet.getUint32(16), DESTINATION);
        assert.equal(sequenceOf(view, AT, length), sequence);
      }
    });
  }

  test('has no room for its sequence number in fewer bytes', () => {
    assert.throws(() => new Datagram(view, AT, MIN_PACKET_LENGTH - 1), RangeError);
  });
});

describe('arrivals', () => {
  const view = new DataView(new ArrayBuffer(100));
  const datagram = new Datagram(view, 0, 100);

  function arrive(arrivals: Arrivals, tunnel: number, sequence: number): void {
    datagram.stamp(SOURCE, DESTINATION, sequence);
    assert.ok(arrivals.receive(tunnel, 0, 100));
  }

  test('counts gaps of each tunnel as lost, and what comes behind a later packet as late, not lost', () => {
    const arrivals = new Arrivals(view);
    for (const sequence of [0, 1, 5, 3]) arrive(arrivals, 1, sequence);
    arrive(arrivals, 9, 1);
    const { packets, bytes, lost, late, tunnels } = arrivals.report();
    assert.deepEqual({ packets, bytes, lost, late, tunnels }, { packets: 5, bytes: 500, lost: 3, late: 1, tunnels: 2 });
  });

  test('begin anew', () => {
    const arrivals = new Arrivals(view);
    arrive(arrivals, 1, 41);
    arrivals.startCounting();
    arrive(arrivals, 1, 0);
    const { packets, lost, late } = arrivals.report();
    assert.deepEqual({ packets, lost, late }, { packets: 1, lost: 0, late: 0 });
  });

  test('leave other packets alone', () => {
    const { buffer, byteOffset, byteLength } = echoRequest('10.66.0.1', '10.66.0.2');
    const arrivals = new Arrivals(new DataView(buffer, byteOffset, byteLength));
    assert.equal(arrivals.receive(1, 0, byteLength), false);
    assert.equal(arrivals.report().packets, 0);
  });
});
