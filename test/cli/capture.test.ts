// The command `capture` against an admin plane that streams what a test says.
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ByteStream } from '../../src/admin/byte-stream.ts';
import { encodeInterface, encodeSectionHeader, encodeStatistics } from '../../src/wire/pcapng.ts';
import { FakeGateway } from '../admin/fake-gateway.ts';
import { SilentAdmin } from '../admin/silent-admin.ts';
import { workspace } from '../config/workspace.ts';
import { type Outcome, runCommand } from './run-command.ts';
import { startCommand } from './start-command.ts';

const HEAD = Buffer.concat([encodeSectionHeader('gw', ''), encodeInterface('if', 0)]);
const END = { start: 0, end: 1, received: 12, dropped: 0, comment: 'ended: seconds' };

describe('capture', () => {
  let gateway: FakeGateway;
  let server: SilentAdmin;

  beforeEach(async () => {
    gateway = new FakeGateway();
    server = await SilentAdmin.start(gateway);
  });
  afterEach(() => server.close());

  const run = (cwd: string, ...args: string[]): Promise<Outcome> =>
    runCommand(cwd, ['capture', ...args, '--admin', server.url]);

  test('writes a file that only its owner reads, and sums it up', async context => {
    const { directory } = workspace(context);
    gateway.captured = streamOf(HEAD, encodeStatistics(END));
    const flags = ['--seconds', '5', '--bytes', '9999', '--packets', '12', '--snaplen', '64', '--auth'];
    const outcome = await run(directory, 'a/b', '-o', 'x.pcapng', ...flags);
    assert.deepEqual(outcome, { code: 0, stdout: '', stderr: '12 frames, 180 B; ended: seconds\n' });
    const file = join(directory, 'x.pcapng');
    assert.deepEqual(readFileSync(file), Buffer.concat([HEAD, encodeStatistics(END)]));
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const options = { seconds: 5, bytes: 9999, packets: 12, snaplen: 64, auth: true };
    assert.deepEqual(gateway.captures, [{ id: 'a/b', options, by: '127.0.0.1' }]);
  });

  test('writes to a pipe, and says how many frames are missing', async () => {
    gateway.captured = streamOf(HEAD, encodeStatistics({ ...END, dropped: 2 }));
    const { code, stdout, stderr } = await run('.', 'x');
    assert.equal(code, 0);
    assert.equal(stdout.slice(0, 4), '\n\r\r\n', 'the magic of a section header');
    assert.equal(stderr, '10 frames, 180 B, 2 more are missing: this reader was too slow; ended: seconds\n');
  });

  test('says what the gateway says against it, and leaves the file alone', async context => {
    const space = workspace(context);
    const file = space.write('kept.pcapng', 'precious');
    assert.deepEqual(await run(space.directory, 'x', '-o', file), {
      code: 1,
      stdout: '',
      stderr: 'sstp-gateway: there is no session x\n',
    });
    const { code, stderr } = await run(space.directory, 'x', '-o', file, '--seconds', 'ten');
    assert.deepEqual([code, stderr], [2, 'sstp-gateway: seconds must be a whole number from 1 to 3600\n']);
    assert.equal(readFileSync(file, 'utf8'), 'precious');
  });

  test('fails when the file cannot be written, or the gateway breaks off', async context => {
    const { directory } = workspace(context);
    gateway.captured = streamOf(HEAD);
    const unwritable = await run(directory, 'x', '-o', 'missing/x.pcapng');
    assert.deepEqual([unwritable.code, unwritable.stderr], [1, 'sstp-gateway: missing/x.pcapng: no such file\n']);
    const parts = [HEAD];
    gateway.captured = {
      read: async () =>
        parts.shift() ?? written(join(directory, 'x.pcapng')).then(() => Promise.reject(new Error('a bug'))),
      cancel: () => undefined,
    };
    const broken = await run(directory, 'x', '-o', 'x.pcapng');
    assert.deepEqual([broken.code, broken.stderr], [1, 'sstp-gateway: the gateway broke off the capture after 84 B\n']);
  });

  test('ends in good order when it is interrupted', async context => {
    const { directory } = workspace(context);
    const file = join(directory, 'x.pcapng');
    const stopped = new EventEmitter();
    const end = once(stopped, 'stop').then(() => encodeStatistics(END));
    const parts: (Uint8Array | Promise<Uint8Array>)[] = [HEAD, end];
    gateway.captured = { read: async () => parts.shift(), cancel: () => undefined };
    gateway.stopCapture = id => stopped.emit('stop') && id === 'x';
    const command = startCommand(['capture', 'x', '-o', file, '--admin', server.url]);
    await written(file);
    command.kill('SIGINT');
    const { code, stderr } = await command.ended;
    assert.deepEqual([code, stderr], [0, '12 frames, 180 B; ended: seconds\n']);
  });
});

function streamOf(...parts: Uint8Array[]): ByteStream {
  return { read: async () => parts.shift(), cancel: () => undefined };
}

/** The command has begun to fill the file. */
async function written(file: string): Promise<void> {
  while ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) === 0) await sleep(10);
}
