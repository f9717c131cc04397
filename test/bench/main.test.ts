import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../bench/main.js', import.meta.url));

describe('bench', () => {
  for (const [title, args, complaint] of [
    ['no name', [], /no benchmark named/],
    ['an unknown name', ['nonsense'], /no benchmark is called nonsense/],
    ['the name of an inherited property', ['constructor'], /no benchmark is called constructor/],
    ['two names', ['hotpath', 'hotpath'], /one benchmark at a time/],
    ['an unknown option', ['hotpath', '--slow'], /--slow/],
    ['an option of another benchmark', ['hotpath', '--insecure'], /--insecure is not for hotpath/],
  ] as const) {
    test(`answers ${title} with the usage and exit code 2`, async () => {
      const { code, stdout, stderr } = await bench(...args);
      assert.equal(code, 2);
      assert.equal(stdout, '');
      assert.match(stderr, complaint);
      assert.match(stderr, /Usage: .*NAME/);
    });
  }

  test('shows its usage when asked', async () => {
    const { code, stdout } = await bench('--help');
    assert.equal(code, 0);
    assert.match(stdout, /hotpath {2,}delineation/);
  });

  test('fails with exit code 1 when the file cannot be written', async () => {
    const { code, stderr } = await bench('hotpath', '--quick', '--json', '/nonexistent/results.json');
    assert.equal(code, 1);
    assert.match(stderr, /^bench hotpath: ENOENT/m);
  });

  test('prints the machine and a table, and writes the same cases as JSON', async t => {
    const folder = await mkdtemp(join(tmpdir(), 'bench-'));
    t.after(() => rm(folder, { recursive: true }));
    const file = join(folder, 'results.json');
    const { code, stdout } = await bench('hotpath', '--quick', '--json', file);
    assert.equal(code, 0);
    const [machine, , heads] = stdout.split('\n');
    assert.match(machine ?? '', /^hotpath \(quick\) on \d+ x .+, Linux .+, Node 2\d\./);
    assert.match(heads ?? '', /^case +WASM ns\/packet +twin ns\/packet +WASM GB\/s +twin GB\/s +times faster$/);
    const record = JSON.parse(await readFile(file, 'utf8')) as {
      results: { cases: { name: string; ratio: number }[] };
    };
    assert.ok(record.results.cases.length >= 20);
    for (const { name, ratio } of record.results.cases) {
      assert.ok(stdout.includes(name), name);
      assert.ok(ratio > 0, name);
    }
  });
});

async function bench(...args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return await new Promise(resolve => {
    const child = execFile(process.execPath, [MAIN, ...args], { timeout: 120_000 }, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr });
    });
  });
}
