import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pino } from 'pino';
import { Hooks, type HookOptions } from '../../src/supervisor/hooks.ts';

describe('hooks', () => {
  let directory: string;
  const lines: string[] = [];
  const log = pino({}, { write: line => void lines.push(line) });

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'hooks-'));
  });
  after(() => rmSync(directory, { recursive: true }));

  function script(name: string, body: string): string {
    const file = join(directory, name);
    writeFileSync(file, `#!/bin/sh\n${body}\n`);
    chmodSync(file, 0o755);
    return file;
  }

  function hooks(options: Partial<HookOptions>): Hooks {
    return new Hooks({ up: undefined, down: undefined, timeLimit: 10_000, concurrency: 4, ...options }, log);
  }

  test('a program gets the arguments and the environment of ip-up, and nothing of ours', async () => {
    const out = join(directory, 'facts');
    process.env['SECRET_OF_OURS'] = 'x';
    const up = script('up', `echo "$0 $*" > ${out}; env >> ${out}`);
    const runner = hooks({ up: [up, 'first'] });
    runner.run('up', { session: 's1' }, () => ({
      IFNAME: 'sstp0',
      IPLOCAL: '10.0.0.1',
      IPREMOTE: '10.0.0.2',
      PEERNAME: 'CORP\\alice; rm',
      IPPARAM: '192.0.2.1',
    }));
    await runner.settled(10_000);
    const text = readFileSync(out, 'utf8');
    assert.match(text, /^\S+ first sstp0 {3}10\.0\.0\.1 10\.0\.0\.2 192\.0\.2\.1\n/);
    assert.match(text, /^PEERNAME=CORP\\alice; rm$/m);
    assert.doesNotMatch(text, /SECRET_OF_OURS/);
    assert.deepEqual(runner.counters, { run: 1, failed: 0, timedOut: 0, dropped: 0 });
  });

  test('a program that cannot even be tried has failed, and the next one is run', async () => {
    const out = join(directory, 'after');
    const runner = hooks({ up: ['no\0program'], down: [script('after-it', `echo done > ${out}`)] });
    runner.run('up', { session: 's1' }, () => ({}));
    runner.run('down', { session: 's1' }, () => ({}));
    await runner.settled(10_000);
    assert.equal(readFileSync(out, 'utf8'), 'done\n');
    assert.deepEqual(runner.counters, { run: 2, failed: 1, timedOut: 0, dropped: 0 });
  });

  test('without a descriptor to spare a program has failed, and the gateway goes on', () => {
    // In a process of its own: the limit is everybody's.
    const program = `
      import { openSync } from 'node:fs';
      import { pino } from 'pino';
      import { Hooks } from ${JSON.stringify(new URL('../../src/supervisor/hooks.js', import.meta.url).href)};
      const log = pino({}, { write() {} });
      const hooks = new Hooks({ up: ['/bin/true'], down: undefined, timeLimit: 10_000, concurrency: 4 }, log);
      try { for (;;) openSync('/dev/null', 'r'); } catch {}
      hooks.run('up', { session: 's1' }, () => ({}));
      await hooks.settled(10_000);
      console.log(JSON.stringify(hooks.counters));`;
    const command = 'ulimit -n 100 && exec "$0" --input-type=module -e "$1"';
    const args = ['-c', command, process.execPath, program];
    const { stdout, stderr } = spawnSync('/bin/sh', args, { encoding: 'utf8', cwd: import.meta.dirname });
    assert.equal(stdout, '{"run":1,"failed":1,"timedOut":0,"dropped":0}\n', stderr);
  });

  test('down of a session waits for its up, other sessions do not', async () => {
    const out = join(directory, 'order');
    const up = script('slow-up', `sleep 0.3; echo "up $PEERNAME" >> ${out}`);
    const down = script('fast-down', `echo "down $PEERNAME" >> ${out}`);
    const runner = hooks({ up: [up], down: [down] });
    runner.run('up', { session: 'a' }, () => ({ PEERNAME: 'a' }));
    runner.run('down', { session: 'a' }, () => ({ PEERNAME: 'a' }));
    runner.run('down', { session: 'b' }, () => ({ PEERNAME: 'b' }));
    await runner.settled(10_000);
    assert.deepEqual(readFileSync(out, 'utf8').trim().split('\n'), ['down b', 'up a', 'down a']);
  });

  test('never more run at a time than were allowed', async () => {
    const out = join(directory, 'count');
    const up = script('counted', `echo + >> ${out}; sleep 0.05; echo - >> ${out}`);
    const runner = hooks({ up: [up], concurrency: 2 });
    for (let index = 0; index < 8; index++) runner.run('up', { session: `s${index}` }, () => ({}));
    await runner.settled(10_000);
    let running = 0;
    for (const sign of readFileSync(out, 'utf8').trim().split('\n')) {
      running += sign === '+' ? 1 : -1;
      assert.ok(running <= 2);
    }
    assert.equal(runner.counters.run, 8);
  });

  test('a program that takes too long is killed with its children, and named', async () => {
    const out = join(directory, 'late');
    const up = script('hang', `(sleep 1; echo late > ${out}) & wait`);
    const runner = hooks({ up: [up], timeLimit: 100 });
    runner.run('up', { session: 'slow' }, () => ({}));
    await runner.settled(10_000);
    assert.equal(runner.counters.timedOut, 1);
    assert.ok(lines.some(line => line.includes('hook took too long') && line.includes('slow')));
    await new Promise(resolve => setTimeout(resolve, 1200));
    assert.equal(existsSync(out), false);
  });

  test('a program that fails or is not there is counted and logged, and the next one runs', async () => {
    const down = script('fails', 'echo why >&2; exit 3');
    const runner = hooks({ up: [join(directory, 'absent')], down: [down] });
    runner.run('up', { session: 'x' }, () => ({}));
    runner.run('down', { session: 'x' }, () => ({}));
    await runner.settled(10_000);
    assert.deepEqual(runner.counters, { run: 2, failed: 2, timedOut: 0, dropped: 0 });
    assert.ok(lines.some(line => line.includes('"code":3') && line.includes('why')));
  });
});
