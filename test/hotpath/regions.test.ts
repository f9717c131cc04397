import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { Hotpath, loadHotpath } from '../../src/hotpath/hotpath.ts';
import { PIECE_LENGTH } from '../../src/hotpath/input-arena.ts';
import { ENTRY_LENGTH } from '../../src/hotpath/packet-path.ts';
import { VIRTIO_HEADER_LENGTH } from '../../src/wire/virtio.ts';
import { implementations } from './implementations.ts';

for (const { name, create } of implementations) {
  describe(`memory, ${name}`, () => {
    const path = create();
    const regions = [
      { region: 'input', from: path.inputAt, to: path.inputAt + path.inputLength },
      { region: 'landing', from: path.landing.byteOffset, to: path.landing.byteOffset + path.landing.length },
      { region: 'table', from: path.tableAt, to: path.tableAt + path.tableEntries * ENTRY_LENGTH },
      { region: 'tun', from: path.tunAt, to: path.tunAt + path.tunSlots * path.tunStride },
      { region: 'scratch', from: path.scratchAt, to: path.scratchAt + path.scratchLength },
      {
        region: 'transmit',
        from: path.transmitAt,
        to: path.transmitAt + path.transmitBlocks * path.transmitBlockLength,
      },
    ].toSorted((a, b) => a.from - b.from);

    test('has regions that lie inside of it and do not overlap', () => {
      let end = 0;
      for (const { region, from, to } of regions) {
        assert.ok(from >= end && to > from, region);
        end = to;
      }
      assert.ok(end <= path.memory.length);
    });

    test('has a table for as many packets as a piece of a stream and the rest in front of it can hold', () => {
      assert.ok(path.tableEntries * 4 >= PIECE_LENGTH + 4096);
    });

    test('has TUN slots for the longest super-packet behind headroom for a virtio header', () => {
      assert.ok(path.headroom >= VIRTIO_HEADER_LENGTH);
      assert.ok(path.tunStride - path.headroom > 40 + 65_535);
      assert.ok(path.tunSlots >= 64);
    });

    test('has room for a TLS record to appear in', () => {
      assert.equal(path.landing.length, 16_384);
      assert.equal(path.landing.buffer, path.memory.buffer);
    });

    test('has transmit blocks of whole pages', () => {
      assert.deepEqual([path.transmitBlocks, path.transmitBlockLength, path.transmitAt % 4096], [4096, 69_632, 0]);
    });

    test('is one buffer under its two views, all zero at first', () => {
      assert.equal(path.memory.buffer, path.view.buffer);
      assert.equal(path.memory.length, path.view.byteLength);
      for (const { region, from, to } of regions.slice(0, -1)) {
        assert.ok(
          path.memory.subarray(from, to).every(byte => byte === 0),
          region,
        );
      }
    });
  });
}

describe('the WASM module', () => {
  for (const target of ['release', 'debug'] as const) {
    test(`imports nothing, ${target} build`, async () => {
      assert.deepEqual(WebAssembly.Module.imports(await loadHotpath(target)), []);
    });
  }

  test('gives every instance a memory of its own', async () => {
    const module = await loadHotpath();
    const [one, other] = [new Hotpath(module), new Hotpath(module)];
    one.memory[one.inputAt] = 1;
    one.routeAdd(0x0a00_0001, 5);
    assert.equal(other.memory[other.inputAt], 0);
    assert.equal(other.routeRemove(0x0a00_0001), false);
  });

  test('is refused when its ABI version is not the host’s', async () => {
    // An empty module: magic number and version of WebAssembly, no export.
    const empty = await WebAssembly.compile(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
    assert.throws(() => new Hotpath(empty), /ABI version/);
  });

  test('costs no memory for blocks that are not used', async () => {
    const module = await loadHotpath();
    const before = await residentPages();
    const paths = Array.from({ length: 8 }, () => new Hotpath(module));
    const used = (await residentPages()) - before;
    assert.ok(paths.length * paths[0]!.memory.length > 256 * 1024 * 1024);
    assert.ok(used < 8192, `${used} pages became resident, of 580,000 that were reserved`);
  });
});

async function residentPages(): Promise<number> {
  return Number((await readFile('/proc/self/statm', 'utf8')).split(' ')[1]);
}
