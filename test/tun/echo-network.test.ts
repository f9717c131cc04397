import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { EchoNetwork } from '../../src/tun/echo-network.ts';
import type { LandingArea } from '../../src/tun/packet-device.ts';
import { parseIpv4 } from '../../src/wire/ip.ts';
import { VIRTIO_HEADER_LENGTH } from '../../src/wire/virtio.ts';
import { echoRequest } from './packets.ts';
import { landingArea, Recorder, send } from './recorder.ts';

const GATEWAY = '10.66.0.1';
const CLIENT = '10.66.0.7';

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
