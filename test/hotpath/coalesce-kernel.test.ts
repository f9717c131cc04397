// Coalescing and segmentation against Linux's GRO: live, and as once recorded (kernel-gro.json, by record-kernel-gro.ts).
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { GsoType } from '../../src/wire/virtio.ts';
import { namespacesUnavailable } from '../tun/namespace.ts';
import { forwarded } from './flow-packets.ts';
import { coalesce, segment } from './gathering.ts';
import { implementations } from './implementations.ts';
import { KernelGro } from './kernel-gro.ts';
import { alikeRounds, describeSupers, fromText, type RecordedRound, RECORDING, rounds } from './kernel-gro-rounds.ts';
import { hex } from './traffic.ts';

const ROUNDS = 120;
/** A tick of the kernel's clock spoils a try. */
const TRIES = 50;

const paths = implementations.map(({ name, create }) => ({ name, path: create() }));

describe('against GRO as Linux did it once', () => {
  const recorded = JSON.parse(readFileSync(RECORDING, 'utf8')) as RecordedRound[];

  test('the recording has super-packets of each kind', () => {
    const types = new Set(recorded.flatMap(({ supers }) => supers.map(text => fromText(text).virtio[1]!)));
    assert.deepEqual(types, new Set<number>([GsoType.None, GsoType.Tcp4, GsoType.Tcp6, GsoType.UdpL4]));
  });

  for (const { name, path } of paths) {
    test(`${name}: joins the packets to the same super-packets`, () => {
      for (const { packets, supers } of recorded) {
        const ours = coalesce(path, packets.map(bytesOf).map(forwarded));
        assert.deepEqual(describeSupers(ours), supers);
      }
    });

    test(`${name}: cuts the super-packets into the same packets`, () => {
      for (const { packets, supers } of recorded) {
        const segments = supers.flatMap(text => segment(path, fromText(text)));
        assert.deepEqual(segments.map(hex).toSorted(), packets.map(bytesOf).map(forwarded).map(hex).toSorted());
      }
    });
  }
});

describe('against GRO as Linux does it here', { skip: namespacesUnavailable() || ethtoolUnavailable() }, () => {
  let kernel: KernelGro;
  before(() => void (kernel = new KernelGro()));
  after(() => kernel.close());

  test('packets are joined to the same super-packets', async () => {
    for (const packets of alikeRounds(ROUNDS)) {
      const [first, ...others] = paths.map(({ path }) => describeSupers(coalesce(path, packets.map(forwarded))));
      for (const other of others) assert.deepEqual(other, first);
      let theirs: string[] = [];
      for (let tries = 0; tries < TRIES && theirs.join() !== first!.join(); tries += 1) {
        theirs = describeSupers(await kernel.join(packets));
      }
      assert.deepEqual(first, theirs);
    }
  });

  test('what it joined, of packets of all kinds, is cut into what it was', async () => {
    for (const packets of rounds(ROUNDS)) {
      const supers = await kernel.join(packets);
      const expected = packets.map(forwarded).map(hex).toSorted();
      for (const { name, path } of paths) {
        const segments = supers.flatMap(superPacket => segment(path, superPacket));
        assert.deepEqual(segments.map(hex).toSorted(), expected, name);
      }
    }
  });
});

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'));
}

function ethtoolUnavailable(): string | false {
  if (process.env['CI'] === 'true') return false;
  try {
    execFileSync('ethtool', ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'needs the command ethtool';
  }
}
