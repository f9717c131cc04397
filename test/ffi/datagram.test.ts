import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { sendDatagram } from '../../src/ffi/datagram.ts';
import { NotifyReceiver } from './notify-receiver.ts';

const folder = mkdtempSync(join(tmpdir(), 'sstp-gateway-datagram-'));
after(() => rmSync(folder, { recursive: true, force: true }));

describe('sendDatagram', () => {
  for (const [kind, name] of [
    ['a path', join(folder, 'socket')],
    ['an abstract name', `@sstp-gateway-test-${process.pid}`],
  ] as const) {
    test(`sends whole messages to ${kind}, each of them once`, () => {
      const receiver = new NotifyReceiver(name);
      assert.equal(sendDatagram(name, 'READY=1\nSTATUS=grüßt'), true);
      assert.equal(sendDatagram(name, 'WATCHDOG=1'), true);
      receiver.take();
      assert.deepEqual(receiver.heard, ['READY=1\nSTATUS=grüßt', 'WATCHDOG=1']);
      receiver.close();
    });
  }

  test('says when the queue is full, and again when it is not', () => {
    const name = join(folder, 'full');
    const receiver = new NotifyReceiver(name);
    let sent = 0;
    while (sent < 10_000 && sendDatagram(name, `${sent}`)) sent++;
    assert.ok(sent > 0 && sent < 10_000);
    receiver.take();
    assert.equal(receiver.heard.length, sent);
    assert.equal(sendDatagram(name, 'again'), true);
    receiver.close();
  });

  test('throws when nobody is there, and leaves no descriptor behind', () => {
    const before = readdirSync('/proc/self/fd').length;
    assert.throws(() => sendDatagram(join(folder, 'nobody'), ''), { code: 'ENOENT', syscall: 'connect' });
    assert.throws(() => sendDatagram('@nobody-here', ''), { code: 'ECONNREFUSED' });
    assert.throws(() => sendDatagram(`/${'x'.repeat(108)}`, ''), { code: 'EINVAL' });
    assert.equal(readdirSync('/proc/self/fd').length, before);
  });
});
