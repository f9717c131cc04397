// The benchmarks whose load is the kernel's own run, each in its quick version; how fast is not asked.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { namespacesUnavailable } from '../tun/namespace.ts';

const MAIN = fileURLToPath(new URL('../../bench/main.js', import.meta.url));
const LIMIT_MS = 180_000;

describe('bench with traffic of the kernel', { skip: namespacesUnavailable() || toolsUnavailable() }, () => {
  test('tcp measures both directions through one tunnel and through many', async () => {
    assertRows(await bench('tcp'), [
      /^IPv4 +1 +upload/m,
      /^IPv4 +1 +download/m,
      /^IPv4 +8 +upload/m,
      /^IPv4 +8 +download/m,
    ]);
  });

  test('udp measures each size, and a TLS record for each packet', async () => {
    assertRows(await bench('udp'), [
      /^ +1 +upload +64 /m,
      /^ +20 +download +1400 /m,
      /^ +20 +upload, a record each +1400 /m,
    ]);
  });

  test('rtt measures idle and loaded tunnels, and a slow path', async () => {
    assertRows(await bench('rtt'), [/^as fast as it goes +none /m, /^50 Mbit.* download, same tunnel /m]);
  });

  test('ratelimit measures both directions of a tunnel with a rate', async () => {
    assertRows(await bench('ratelimit'), [/^0 ms +cubic +upload +10 /m, /^0 ms +cubic +download +10 /m]);
  });

  test('limit measures TLS and TUN', async () => {
    assertRows(await bench('limit'), [
      /^TLS receive, /m,
      /^TUN to TUN, super-packets /m,
      /^least for a gateway, upload /m,
    ]);
  });
});

function assertRows({ code, stdout, stderr }: Result, rows: readonly RegExp[]): void {
  assert.equal(code, 0, stderr);
  for (const row of rows) assert.match(stdout, row);
  assert.doesNotMatch(stdout, /NaN|Infinity/);
}

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function bench(name: string): Promise<Result> {
  return new Promise(resolve => {
    const child = execFile(process.execPath, [MAIN, name, '--quick'], { timeout: LIMIT_MS }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

/** Why the tests must be skipped, or false. With CI=true nothing is skipped: what is missing fails. */
function toolsUnavailable(): string | false {
  if (process.env['CI'] === 'true') return false;
  try {
    execFileSync('iperf3', ['--version'], { stdio: 'ignore' });
    execFileSync('tc', ['-V'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'needs the commands iperf3 and tc (iproute2)';
  }
}
