import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { EchoNetwork } from '../../src/tun/echo-network.ts';
import { NO_OFFLOADS } from '../../src/tun/offloads.ts';
import type { LandingArea } from '../../src/tun/packet-device.ts';
import { parseIpv4 } from '../../src/wire/ip.ts';
import { GsoType, VIRTIO_HEADER_LENGTH, VirtioFlag } from '../../src/wire/virtio.ts';
import { echoRequest } from './packets.ts';
import { landingArea, Recorder, send, sendVectors } from './recorder.ts';
import { encodeVirtioHeader } from './virtio.ts';

const GATEWAY = '10.66.0.1';
const CLIENT = '10.66.0.7';
/** The virtio header of a plain packet. */
const PLAIN = new Uint8Array(VIRTIO_HEADER_LENGTH);

describe('EchoNetwork', () => {
  test('delivers an answer in a later turn, never from within write', async () => {
    const { network, landing, recorder } = started();
    assert.equal(send(network, landing, echoRequest(CLIENT, GATEWAY)), true);
    assert.equal(recorder.packets.length, 0);
    await recorder.until(() => recorder.packets.length === 1);
    assert.deepEqual(recorder.batches, [1]);
  });

  test('delivers the answers of one turn as one batch, in order', async () => {
    const { network, landing, recorder } = started();
    for (const sequence of [1, 2, 3]) send(network, landing, echoRequest(CLIENT, GATEWAY, sequence));
    await recorder.until(() => recorder.packets.length === 3);
    assert.deepEqual(recorder.packets.map(sequenceOf), [1, 2, 3]);
    assert.deepEqual(recorder.batches, [3]);
  });

  test('refuses and counts what finds no free slot, and has all slots again after the batch', async () => {
    const { network, landing, recorder } = started(4);
    const taken = [1, 2, 3, 4, 5, 6].map(sequence => send(network, landing, echoRequest(CLIENT, GATEWAY, sequence)));
    assert.deepEqual(taken, [true, true, true, true, false, false]);
    assert.equal(network.drops.backlog, 2);
    await recorder.until(() => recorder.packets.length === 4);
    await nextTurn();
    for (const sequence of [7, 8, 9, 10]) assert.ok(send(network, landing, echoRequest(CLIENT, GATEWAY, sequence)));
    await recorder.until(() => recorder.packets.length === 8);
    assert.deepEqual(recorder.packets.map(sequenceOf), [1, 2, 3, 4, 7, 8, 9, 10]);
  });

  test('answers to packets written while a batch is delivered wait for the next turn and leave the batch intact', async () => {
    const landing = landingArea(4);
    const network = new EchoNetwork(parseIpv4(GATEWAY) ?? 0, landing);
    const seen: number[] = [];
    let turns = 0;
    const done = new Promise<void>(resolve => {
      network.start({
        receive: (at, length) => {
          const sequence = sequenceOf(landing.memory.subarray(at, at + length));
          seen.push(sequence);
          if (sequence < 10) send(network, landing, echoRequest(CLIENT, GATEWAY, sequence + 10));
        },
        drained: () => {
          turns += 1;
          if (turns === 2) resolve();
        },
        onError: assert.fail,
      });
    });
    send(network, landing, echoRequest(CLIENT, GATEWAY, 1));
    send(network, landing, echoRequest(CLIENT, GATEWAY, 2));
    await done;
    assert.deepEqual(seen, [1, 2, 11, 12]);
  });

  test('answers a packet in two pieces as one in one piece', async () => {
    const { network, landing, recorder } = started();
    const request = echoRequest(CLIENT, GATEWAY, 7);
    assert.equal(sendVectors(network, landing, [PLAIN, request]), true);
    assert.equal(send(network, landing, request), true);
    await recorder.until(() => recorder.packets.length === 2);
    assert.deepEqual(recorder.packets[0], recorder.packets[1]);
    assert.equal(sequenceOf(recorder.packets[0]!), 7);
  });

  test('puts a zero header in front of its answers, whatever the slot held before', async () => {
    const { network, landing, recorder } = started();
    landing.memory.fill(0xff, landing.at);
    send(network, landing, echoRequest(CLIENT, GATEWAY));
    await recorder.until(() => recorder.packets.length === 1);
    assert.deepEqual(encodeVirtioHeader(recorder.headers[0]!), PLAIN);
  });

  test('refuses what it has not agreed to: super-packets, unfinished checksums, packets in pieces', () => {
    const { network, landing } = started();
    const packet = echoRequest(CLIENT, GATEWAY);
    const unfinished = Uint8Array.of(VirtioFlag.NeedsChecksum, 0, 0, 0, 0, 0, 20, 0, 2, 0);
    const superPacket = Uint8Array.of(0, GsoType.UdpL4, 28, 0, 20, 0, 0, 0, 0, 0);
    assert.deepEqual(network.offloads, NO_OFFLOADS);
    for (const header of [unfinished, superPacket]) {
      assert.equal(send(network, landing, packet, header), false);
      assert.equal(sendVectors(network, landing, [header, packet]), false);
    }
    assert.equal(sendVectors(network, landing, [PLAIN]), false);
    assert.equal(sendVectors(network, landing, [PLAIN, packet.subarray(0, 40), packet.subarray(40)]), false);
    assert.equal(sendVectors(network, landing, [PLAIN.subarray(1), packet]), false);
    assert.equal(network.writeVectors(landing.memory.length - 31, 2), false, 'vectors beyond the memory');
  });

  test('takes and counts what it has no answer to', () => {
    const { network, landing } = started();
    assert.equal(send(network, landing, new Uint8Array(40)), true);
    assert.equal(network.drops.unanswered, 1);
  });

  test('refuses and counts a packet whose answer fits no slot', async () => {
    const { network, landing, recorder } = started(4, 512);
    assert.equal(send(network, landing, echoRequest(CLIENT, GATEWAY, 1, new Uint8Array(500))), false);
    assert.equal(network.drops.oversized, 1);
    await nextTurn();
    assert.deepEqual(recorder.batches, []);
  });

  test('refuses packets outside of the memory, before start and after close; close drops what waits', async () => {
    const { network, landing, recorder } = started();
    assert.equal(network.write(landing.memory.length - 10, 20), false);
    assert.equal(network.write(VIRTIO_HEADER_LENGTH - 1, 20), false);
    send(network, landing, echoRequest(CLIENT, GATEWAY));
    network.close();
    network.close();
    assert.equal(send(network, landing, echoRequest(CLIENT, GATEWAY)), false);
    await nextTurn();
    assert.equal(recorder.packets.length, 0);
    assert.equal(send(new EchoNetwork(1, landing), landing, echoRequest(CLIENT, GATEWAY)), false);
  });

  test('close from within receive ends the batch', async () => {
    const landing = landingArea();
    const network = new EchoNetwork(parseIpv4(GATEWAY) ?? 0, landing);
    let received = 0;
    network.start({
      receive: () => {
        received += 1;
        network.close();
      },
      drained: assert.fail,
      onError: assert.fail,
    });
    send(network, landing, echoRequest(CLIENT, GATEWAY, 1));
    send(network, landing, echoRequest(CLIENT, GATEWAY, 2));
    await nextTurn();
    await nextTurn();
    assert.equal(received, 1);
  });
});

function started(slots = 16, stride = 2048): { network: EchoNetwork; landing: LandingArea; recorder: Recorder } {
  const landing = landingArea(slots, stride);
  const network = new EchoNetwork(parseIpv4(GATEWAY) ?? 0, landing);
  const recorder = new Recorder(landing);
  network.start(recorder);
  return { network, landing, recorder };
}

function sequenceOf(packet: Uint8Array): number {
  return new DataView(packet.buffer, packet.byteOffset).getUint16(26);
}
