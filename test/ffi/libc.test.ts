import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import {
  addressOf,
  close,
  duplicateOver,
  Errno,
  ioctl,
  openDevice,
  read,
  setCongestionControl,
  setSocketOption,
  socketAddress,
  SocketOption,
  socketOption,
  socketPair,
  SystemCallError,
  tcpSocket,
  write,
  writev,
} from '../../src/ffi/libc.ts';

describe('read and write', () => {
  test('move bytes between addresses', () => {
    const memory = new Uint8Array(65_536);
    const base = addressOf(memory);
    const [left, right] = socketPair();
    memory.set([1, 2, 3, 4, 5], 1000);
    assert.equal(write(left, base + 1001, 3), 3);
    assert.equal(read(right, base + 40_000, 100), 3);
    assert.deepEqual([...memory.subarray(39_999, 40_004)], [0, 2, 3, 4, 0]);
    close(left);
    assert.equal(read(right, base, 100), 0, 'end of stream');
    close(right);
  });

  test('return the negative errno', () => {
    const memory = new Uint8Array(64);
    const [left, right] = socketPair();
    assert.equal(read(left, addressOf(memory), 64), -Errno.EAGAIN);
    assert.equal(write(-1, addressOf(memory), 64), -Errno.EBADF);
    close(left);
    close(right);
  });

  test('writev joins what lies in pieces, in the order of the vectors', () => {
    const memory = new Uint8Array(4096);
    const base = addressOf(memory);
    const [left, right] = socketPair();
    memory.set([1, 2, 3], 1000);
    memory.set([4, 5], 500);
    const vectors = new BigUint64Array(memory.buffer, 64, 4);
    vectors.set([BigInt(base + 1000), 3n, BigInt(base + 500), 2n]);
    assert.equal(writev(left, base + 64, 2), 5);
    assert.equal(read(right, base + 2000, 100), 5);
    assert.deepEqual([...memory.subarray(2000, 2006)], [1, 2, 3, 4, 5, 0]);
    assert.equal(writev(-1, base + 64, 2), -Errno.EBADF);
    close(left);
    close(right);
  });

  test('an address counts from the array, not from its buffer', () => {
    const buffer = new ArrayBuffer(4096);
    assert.equal(addressOf(new Uint8Array(buffer, 100)) - addressOf(new Uint8Array(buffer)), 100);
  });
});

describe('SystemCallError', () => {
  test('names the call and the errno', () => {
    const error = new SystemCallError('bind', 98);
    assert.equal(error.code, 'EADDRINUSE');
    assert.equal(error.message, 'bind EADDRINUSE: Address already in use');
  });

  test('knows EBADFD, and shows a number that has no name', () => {
    assert.equal(new SystemCallError('read', 77).code, 'EBADFD');
    assert.equal(new SystemCallError('read', 9999).code, 'errno 9999');
  });

  test('is thrown by calls that set something up', () => {
    assert.throws(() => openDevice('/dev/no-such-device'), {
      name: 'SystemCallError',
      code: 'ENOENT',
      syscall: 'open',
    });
    assert.throws(() => ioctl(-1, 0, new Uint8Array(40)), { code: 'EBADF', syscall: 'ioctl' });
    assert.throws(() => duplicateOver(-1, 0), { code: 'EBADF', syscall: 'dup3' });
  });
});

test('socket options are what they were set to', () => {
  const fd = tcpSocket(4);
  assert.equal(socketOption(fd, SocketOption.ReuseAddress), 0);
  setSocketOption(fd, SocketOption.ReuseAddress, 1);
  setSocketOption(fd, SocketOption.UnsentLimit, 12_345);
  assert.equal(socketOption(fd, SocketOption.ReuseAddress), 1);
  assert.equal(socketOption(fd, SocketOption.UnsentLimit), 12_345);
  close(fd);
  assert.throws(() => socketOption(fd, SocketOption.ReuseAddress), { code: 'EBADF', syscall: 'getsockopt' });
});

test('congestion control is chosen by name, and a name that the kernel does not know changes nothing', () => {
  const fd = tcpSocket(4);
  assert.equal(setCongestionControl(fd, 'reno'), true);
  assert.equal(setCongestionControl(fd, 'no-such-thing'), false);
  close(fd);
});

test('duplicateOver replaces a descriptor and leaves the number of descriptors as it was', () => {
  const [left, right] = socketPair();
  const [other, end] = socketPair();
  const before = readdirSync('/proc/self/fd').length;
  duplicateOver(left, other);
  assert.equal(readdirSync('/proc/self/fd').length, before);
  const memory = new Uint8Array(8);
  assert.equal(write(other, addressOf(memory), 8), 8);
  assert.equal(read(right, addressOf(memory), 8), 8);
  assert.equal(read(end, addressOf(memory), 8), 0, 'what the number was is closed');
  for (const fd of [left, right, other, end]) close(fd);
});

describe('socketAddress', () => {
  test('lays out IPv4 with the port in network order', () => {
    const address = socketAddress('192.0.2.5', 443);
    assert.equal(address?.family, 4);
    assert.deepEqual([...(address?.bytes.subarray(2, 8) ?? [])], [1, 187, 192, 0, 2, 5]);
    assert.equal(address?.bytes.length, 16);
  });

  test('lays out IPv6 with the scope of the named interface', () => {
    const address = socketAddress('fe80::5%lo', 443);
    assert.equal(address?.family, 6);
    assert.equal(address?.bytes.length, 28);
    assert.deepEqual([...(address?.bytes.subarray(2, 10) ?? [])], [1, 187, 0, 0, 0, 0, 0xfe, 0x80]);
    assert.equal(new Uint32Array(address?.bytes.slice(24).buffer ?? new ArrayBuffer(4))[0], 1);
  });
});
