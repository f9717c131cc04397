// What every codec of wire/ owes, whatever its format.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { isWireError } from '../../src/wire/wire-error.ts';

interface Vector<Value> {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly value: Value;
}

/** A codec over a view: the caller's buffer, offsets, and a length that is known before writing. */
export function checkViewCodec<Value>(codec: {
  readonly parse: (view: DataView, at: number, end: number) => Value | number;
  readonly length: (value: Value) => number;
  readonly emit: (view: DataView, at: number, value: Value) => number;
  /** What bytes behind the message are: an error, or padding to pass over. */
  readonly trailing: 'error' | 'padding';
  readonly vectors: readonly Vector<Value>[];
}): void {
  for (const { name, bytes, value } of codec.vectors) {
    test(`${name}: bytes become the value, and the value the same bytes`, () => {
      assert.deepEqual(codec.parse(viewInside(bytes, 0, 0), 0, bytes.length), value);
      const written = new Uint8Array(bytes.length);
      codec.emit(new DataView(written.buffer), 0, value);
      assert.deepEqual(written, bytes);
    });

    test(`${name}: reads and writes at an offset in a larger buffer and touches nothing around`, () => {
      const [before, behind] = [7, 5];
      assert.deepEqual(codec.parse(viewInside(bytes, before, behind), before, before + bytes.length), value);
      const buffer = new Uint8Array(before + bytes.length + behind).fill(0xaa);
      assert.equal(codec.emit(new DataView(buffer.buffer), before, value), before + codec.length(value));
      assert.equal(codec.length(value), bytes.length);
      assert.deepEqual(buffer.slice(before, before + bytes.length), bytes);
      assert.ok(buffer.subarray(0, before).every(byte => byte === 0xaa));
      assert.ok(buffer.subarray(before + bytes.length).every(byte => byte === 0xaa));
    });

    test(`${name}: every truncation is an error`, () => {
      for (let length = 0; length < bytes.length; length++) {
        assert.ok(isWireError(codec.parse(viewInside(bytes, 0, 0), 0, length)), `cut to ${length} bytes`);
        // What lies behind the end is there, and still not part of the message.
        assert.ok(
          isWireError(codec.parse(viewInside(bytes, 4, 9), 4, 4 + length)),
          `cut to ${length} bytes at an offset`,
        );
      }
    });

    test(`${name}: trailing bytes are ${codec.trailing === 'error' ? 'an error' : 'padding'}`, () => {
      const longer = codec.parse(viewInside(bytes, 0, 3), 0, bytes.length + 3);
      if (codec.trailing === 'error') assert.ok(isWireError(longer));
      else assert.deepEqual(longer, value);
    });

    test(`${name}: a parsed value does not change with the receive buffer`, () => {
      const view = viewInside(bytes, 0, 0);
      const parsed = codec.parse(view, 0, bytes.length);
      new Uint8Array(view.buffer).fill(0xff);
      assert.deepEqual(parsed, value);
    });
  }
}

/** A codec for a field inside a message, whose length the message knows. */
export function checkFieldCodec<Value>(codec: {
  readonly parse: (field: Uint8Array) => Value | number;
  readonly encode: (value: Value) => Uint8Array;
  /** What one byte more is: an error, padding, or part of an open-ended last field. */
  readonly trailing: 'error' | 'padding' | 'content';
  /** Shorter than this is an error; longer cuts of a field with an open end are shorter values. */
  readonly shortest: number;
  readonly vectors: readonly Vector<Value>[];
}): void {
  for (const { name, bytes, value } of codec.vectors) {
    test(`${name}: bytes become the value, and the value the same bytes`, () => {
      assert.deepEqual(codec.parse(bytes), value);
      assert.deepEqual(codec.encode(value), bytes);
    });

    test(`${name}: reads a field in the middle of a buffer`, () => {
      const at = 3;
      const buffer = new Uint8Array(at + bytes.length + 4).fill(0xaa);
      buffer.set(bytes, at);
      assert.deepEqual(codec.parse(buffer.subarray(at, at + bytes.length)), value);
    });

    test(`${name}: every truncation below the shortest form is an error`, () => {
      for (let length = 0; length < codec.shortest; length++) {
        assert.ok(isWireError(codec.parse(bytes.slice(0, length))), `cut to ${length} bytes`);
      }
      for (let length = codec.shortest; length < bytes.length; length++) {
        assert.doesNotThrow(() => codec.parse(bytes.slice(0, length)), `cut to ${length} bytes`);
      }
    });

    test(`${name}: a byte more is ${codec.trailing === 'error' ? 'an error' : codec.trailing}`, () => {
      const longer = codec.parse(Uint8Array.of(...bytes, 0x5a));
      if (codec.trailing === 'error') assert.ok(isWireError(longer));
      else if (codec.trailing === 'padding') assert.deepEqual(longer, value);
      else assert.notDeepEqual(longer, value);
    });

    test(`${name}: a parsed value does not change with the receive buffer`, () => {
      const buffer = bytes.slice();
      const parsed = codec.parse(buffer);
      buffer.fill(0xff);
      assert.deepEqual(parsed, value);
    });
  }
}

function viewInside(bytes: Uint8Array, before: number, behind: number): DataView {
  const buffer = new Uint8Array(before + bytes.length + behind).fill(0x5a);
  buffer.set(bytes, before);
  return new DataView(buffer.buffer);
}
