import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServerPackets } from '../../src/client/server-packets.ts';
import { HotpathTwin } from '../../src/hotpath/hotpath-twin.ts';
import type { NetworkFamily } from '../../src/protocol/ppp/credentials.ts';
import { encodeDataPacket, PppProtocol } from '../../src/wire/ppp.ts';
import { encodeControlPacket, MessageType } from '../../src/wire/sstp.ts';
import { ipv4, SERVER } from '../hotpath/packets.ts';

const CONTROL = encodeControlPacket({ type: MessageType.EchoResponse, attributes: [] });
const LCP = encodeDataPacket(PppProtocol.Lcp, Uint8Array.of(9, 0, 0, 8, 0, 0, 0, 0));

test('control packets and IP packets keep the order of their arrival', () => {
  const { packets, seen } = intake();
  packets.push(Buffer.concat([data(1), data(2), CONTROL, data(3), LCP, data(4)]));
  assert.deepEqual(seen, ['ip 21', 'ip 22', 'control', 'ip 23', 'frame c021', 'ip 24']);
});

test('what passes is what passes when a packet has its turn, not when its chunk came', () => {
  const { packets, seen, families, act } = intake([]);
  act.push(
    () => families.add(4),
    () => families.delete(4),
  );
  // An IPv4 header that claims more than there is: not looked at before IPv4 passes, and refused from then on.
  const malformed = ipv4({ payload: new Uint8Array(9) }).subarray(0, 25);
  packets.push(Buffer.concat([data(1), CONTROL, data(2), encodeDataPacket(PppProtocol.Ipv4, malformed), LCP, data(3)]));
  assert.deepEqual(seen, ['control', 'ip 22', 'frame c021']);
});

test('nothing is handled behind the control packet that ends the tunnel', () => {
  const { packets, seen, end, act } = intake();
  act.push(end);
  packets.push(Buffer.concat([data(1), CONTROL, data(2), CONTROL]));
  assert.deepEqual(seen, ['ip 21', 'control']);
});

test('many control packets among the packets of a chunk do not make each packet be judged many times', () => {
  const { packets, path, seen } = intake();
  let judged = 0;
  const admit = path.admit.bind(path);
  path.admit = (entries, ...rest) => {
    judged += entries;
    return admit(entries, ...rest);
  };
  const count = 200;
  packets.push(Buffer.concat(Array.from({ length: count }, () => [data(1), CONTROL]).flat()));
  assert.equal(seen.length, 2 * count);
  assert.ok(judged <= 2 * 2 * count, `${judged} rows were judged`);
});

/** @returns `seen`: what came out; `act`: what each control packet does in turn */
function intake(passing: readonly NetworkFamily[] = [4]) {
  const path = new HotpathTwin();
  const families = new Set(passing);
  const seen: string[] = [];
  const act: (() => void)[] = [];
  let isGone = false;
  const handle = (what: string): void => {
    seen.push(what);
    const action = act.shift();
    if (action === undefined) return;
    action();
    packets.networksChanged();
  };
  const tunnel = {
    heard: () => {},
    passes: (family: NetworkFamily) => families.has(family),
    get passesData() {
      return families.size > 0;
    },
    receiveControl: () => handle('control'),
    receiveFrame: (protocol: number) => handle(`frame ${protocol.toString(16)}`),
  };
  const packets: ServerPackets = new ServerPackets(path, undefined, tunnel, {
    isGone: () => isGone,
    receiveFromLink: () => false,
    receivePacket: (_, length) => seen.push(`ip ${length}`),
  });
  return { packets, path, families, seen, act, end: () => (isGone = true) };
}

/** A data packet with an IPv4 packet of 20 bytes and `extra`. */
function data(extra: number): Uint8Array {
  return encodeDataPacket(PppProtocol.Ipv4, ipv4({ source: SERVER, payload: new Uint8Array(extra) }));
}
