import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../bench/main.js', import.meta.url));

describe('bench report', () => {
  test('writes a section with facts, table and charts for each benchmark, in a fixed order', t => {
    const page = report(t, [run('tcp', [tcpRow(1, 'upload', 2.5), tcpRow(1, 'download', 1.25)]), limitRun()]);
    assert.match(page.text, /## What the machine allows[^]*## TCP/);
    assert.match(
      page.text,
      /`npm run bench -- tcp` on 2 x Test CPU, Linux 6\.1, Node 20\.1; 2026-01-02, commit abc123\./,
    );
    assert.match(page.text, /^\| IPv6 +\| +1 \| upload +\| +2\.50 \| +80 \|$/m, 'a share of the limit is added');
    assert.match(page.text, /!\[Gateway CPU seconds per GB\]\(performance\/tcp-cpu\.svg\)/);
    const chart = page.file('docs/performance/tcp-cpu.svg');
    assert.match(chart, /^<svg xmlns=/);
    assert.match(chart, /prefers-color-scheme: dark/);
    for (const text of ['IPv6, 1 tunnel', 'upload', 'download', '2.5', '1.25'])
      assert.ok(chart.includes(`>${text}<`), text);
  });

  test('takes the latest full run before any quick one, which it marks', t => {
    const rows = [tcpRow(1, 'upload', 1)];
    const old = { ...run('tcp', [tcpRow(1, 'upload', 9)]), date: '2025-01-01T00:00:00.000Z' };
    const quick = { ...run('tcp', [tcpRow(1, 'upload', 7)]), quick: true, date: '2027-01-01T00:00:00.000Z' };
    const { text } = report(t, [old, run('tcp', rows), quick]);
    assert.match(text, /^\| IPv6 +\| +1 \| upload +\| +1 \|$/m);
    assert.doesNotMatch(text, /quick run/);
    assert.match(report(t, [quick]).text, /a quick run: the numbers are rough/);
  });

  test('escapes what Markdown and XML would take for their own', t => {
    const row = { case: 'a | b <c> & d', 'times faster': 2 };
    const page = report(t, [run('hotpath', [row])]);
    assert.ok(page.text.includes(String.raw`| a \| b <c> & d |`));
    assert.ok(page.file('docs/performance/hotpath.svg').includes('a | b &lt;c&gt; &amp; d'));
  });

  test('fails when there is nothing to report, or a file is none of its own', t => {
    const directory = folder(t, []);
    assert.match(failure(directory), /no results: run benchmarks with --json FILE first/);
    writeFileSync(join(directory, 'results', 'foreign.json'), '{}');
    assert.match(failure(directory), /foreign\.json: not written by a benchmark/);
  });
});

function run(benchmark: string, rows: readonly object[], results: object = {}) {
  return {
    benchmark,
    command: `npm run bench -- ${benchmark}`,
    commit: 'abc123',
    date: '2026-01-02T03:04:05.000Z',
    quick: false,
    machine: { cores: 2, cpu: 'Test CPU', kernel: '6.1', node: '20.1' },
    rows,
    results,
  };
}

function tcpRow(tunnels: number, direction: string, cpu: number) {
  return { family: 'IPv6', tunnels, direction, 'gateway CPU s/GB': cpu };
}

/** A gateway's least cost comes to 2 s/GB for uploads: TLS 1.5, and half of a copy. */
function limitRun() {
  const tls = {
    receive: { bulk: cost(1.5), records: cost(3), spread: cost(9) },
    send: { bulk: cost(1), records: cost(2), spread: cost(9) },
  };
  const limits = { tls, tun: { packets: cost(8), superPackets: cost(1) } };
  return run('limit', [{ what: 'TLS receive', 'CPU s/GB': 1.5 }], { limits });
}

function cost(cpuPerGb: number) {
  return { gigabitsPerSecond: 1, cpuPerGb, microsecondsPerUnit: 1 };
}

/** The report on the runs, as written to a folder of its own. */
function report(t: TestContext, runs: readonly object[]) {
  const cwd = folder(t, runs);
  execFileSync(process.execPath, [MAIN, 'report', 'results'], { cwd });
  const file = (name: string): string => readFileSync(join(cwd, name), 'utf8');
  return { text: file('docs/performance.md'), file };
}

function failure(cwd: string): string {
  const { status, stderr } = spawnSync(process.execPath, [MAIN, 'report', 'results'], { cwd, encoding: 'utf8' });
  assert.equal(status, 1);
  return stderr;
}

function folder(t: TestContext, runs: readonly object[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'bench-report-'));
  t.after(() => rmSync(directory, { recursive: true }));
  mkdirSync(join(directory, 'results'));
  for (const [index, each] of runs.entries()) {
    writeFileSync(join(directory, 'results', `${index}.json`), JSON.stringify(each));
  }
  return directory;
}
