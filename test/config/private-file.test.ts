// Files that hold secrets, where the disk has no room for them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { writePrivateFile } from '../../src/config/private-file.ts';

const unavailable =
  process.env['CI'] !== 'true' && process.getuid?.() !== 0 ? 'needs root, to mount a small disk' : false;

describe('a private file on a disk of 12 KiB', { skip: unavailable }, () => {
  let disk: string;
  before(() => {
    disk = mkdtempSync(join(tmpdir(), 'sstp-gateway-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12k', 'tmpfs', disk]);
  });
  after(() => {
    execFileSync('umount', [disk]);
    rmSync(disk, { recursive: true });
  });

  test('is as it was when the new content does not fit, and the system says so', () => {
    const file = join(disk, 'users.yaml');
    writeFileSync(file, 'before');
    assert.throws(() => writePrivateFile(file, 'x'.repeat(20_000)), { code: 'ENOSPC' });
    assert.equal(readFileSync(file, 'utf8'), 'before');
    assert.deepEqual(readdirSync(disk), ['users.yaml']);
    writePrivateFile(file, 'after');
    assert.equal(readFileSync(file, 'utf8'), 'after');
  });
});
