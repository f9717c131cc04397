// Reads pcapng as its draft describes it, in the byte order that the section header tells; written apart from the writer.
import assert from 'node:assert/strict';

interface PcapngFrame {
  /** Microseconds since 1970. */
  readonly time: number;
  /** By the byte in front of the frame. */
  readonly direction: 'received' | 'sent';
  /** By the flags of the block: bits 0 and 1. */
  readonly flags: number;
  readonly bytes: Buffer;
  readonly originalLength: number;
  readonly comment: string | undefined;
}

interface PcapngBlock {
  readonly type: number;
  readonly body: Buffer;
}

export interface PcapngFile {
  readonly application: string | undefined;
  readonly comment: string | undefined;
  readonly linkType: number;
  readonly snapLength: number;
  readonly interfaceName: string | undefined;
  readonly frames: readonly PcapngFrame[];
  readonly statistics:
    | {
        readonly start: number;
        readonly end: number;
        readonly received: number;
        readonly dropped: number;
        readonly comment: string | undefined;
      }
    | undefined;
}

const MAGIC = 0x1a2b_3c4d;

export function readPcapng(file: Uint8Array): PcapngFile {
  const [section, description, ...rest] = blocksOf(Buffer.from(file));
  assert.equal(section?.type, 0x0a0d_0d0a, 'a section comes first');
  assert.equal(section.body.readUInt32LE(0), MAGIC);
  assert.deepEqual([section.body.readUInt16LE(4), section.body.readUInt16LE(6)], [1, 0], 'version 1.0');
  assert.equal(section.body.readBigInt64LE(8), -1n);
  const sectionOptions = optionsOf(section.body.subarray(16));
  assert.equal(description?.type, 1, 'then an interface');
  const interfaceOptions = optionsOf(description.body.subarray(8));
  assert.deepEqual(interfaceOptions.get(9), Buffer.of(6), 'microseconds');
  const frames: PcapngFrame[] = [];
  let statistics: PcapngFile['statistics'];
  for (const { type, body } of rest) {
    assert.equal(statistics, undefined, 'statistics come last');
    if (type === 6) frames.push(frameOf(body));
    else statistics = statisticsOf(type, body);
  }
  return {
    application: sectionOptions.get(4)?.toString(),
    comment: sectionOptions.get(1)?.toString(),
    linkType: description.body.readUInt16LE(0),
    snapLength: description.body.readUInt32LE(4),
    interfaceName: interfaceOptions.get(2)?.toString(),
    frames,
    statistics,
  };
}

function frameOf(body: Buffer): PcapngFrame {
  assert.equal(body.readUInt32LE(0), 0, 'of the only interface');
  const length = body.readUInt32LE(12);
  const options = optionsOf(body.subarray(20 + padded(length)));
  const flags = options.get(2);
  assert.equal(flags?.length, 4);
  return {
    time: timeOf(body, 4),
    direction: body[20] === 0 ? 'received' : 'sent',
    flags: flags.readUInt32LE(0),
    bytes: body.subarray(21, 20 + length),
    originalLength: body.readUInt32LE(16) - 1,
    comment: options.get(1)?.toString(),
  };
}

function statisticsOf(type: number, body: Buffer): PcapngFile['statistics'] {
  assert.equal(type, 5);
  assert.equal(body.readUInt32LE(0), 0, 'of the only interface');
  const options = optionsOf(body.subarray(12));
  const end = timeOf(options.get(3)!, 0);
  assert.equal(timeOf(body, 4), end);
  return {
    start: timeOf(options.get(2)!, 0),
    end,
    received: Number(options.get(4)!.readBigUInt64LE(0)),
    dropped: Number(options.get(5)!.readBigUInt64LE(0)),
    comment: options.get(1)?.toString(),
  };
}

function timeOf(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) * 2 ** 32 + bytes.readUInt32LE(at + 4);
}

function blocksOf(file: Buffer): PcapngBlock[] {
  const blocks: PcapngBlock[] = [];
  for (let at = 0; at < file.length;) {
    const length = file.readUInt32LE(at + 4);
    assert.ok(length >= 12 && length % 4 === 0 && at + length <= file.length, `block of ${length} bytes at ${at}`);
    assert.equal(file.readUInt32LE(at + length - 4), length, 'both lengths agree');
    blocks.push({ type: file.readUInt32LE(at), body: file.subarray(at + 8, at + length - 4) });
    at += length;
  }
  return blocks;
}

function optionsOf(bytes: Buffer): Map<number, Buffer> {
  const options = new Map<number, Buffer>();
  let at = 0;
  while (at < bytes.length) {
    const code = bytes.readUInt16LE(at);
    const length = bytes.readUInt16LE(at + 2);
    const end = at + 4 + length;
    assert.ok(end <= bytes.length, `option ${code} of ${length} bytes`);
    assert.deepEqual(bytes.subarray(end, at + 4 + padded(length)), Buffer.alloc(padded(length) - length), 'padding');
    if (code === 0) {
      assert.equal(end, bytes.length, 'the end of options is the last one');
      return options;
    }
    assert.ok(!options.has(code), `option ${code} comes once`);
    options.set(code, bytes.subarray(at + 4, end));
    at += 4 + padded(length);
  }
  assert.equal(bytes.length, 0, 'options have an end');
  return options;
}

function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}
