import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import type { Config } from '../src/config/schema.ts';
import { createLogger, type Logger } from '../src/log.ts';
import { printable } from '../src/wire/text.ts';

function written(format: Config['log']['format'], write: (log: Logger) => void): string[] {
  const stream = new PassThrough({ encoding: 'utf8' });
  write(createLogger({ level: 'trace', format }, stream));
  return String(stream.read()).trimEnd().split('\n');
}

test('json has the time in each line', () => {
  const [line] = written('json', log => log.info({ user: 'alice' }, 'session up'));
  const { time, ...rest } = JSON.parse(line!) as Record<string, unknown>;
  assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.deepEqual(rest, { level: 30, user: 'alice', msg: 'session up' });
});

test('journal has the priority of syslog in front of each line, and no time', () => {
  const lines = written('journal', log => {
    log.fatal('a');
    log.error('b');
    log.warn('c');
    log.info('d\ne');
    log.debug('f');
    log.child({ worker: 1 }).trace('g');
  });
  assert.deepEqual(lines, [
    '<2>{"level":60,"msg":"a"}',
    '<3>{"level":50,"msg":"b"}',
    '<4>{"level":40,"msg":"c"}',
    '<6>{"level":30,"msg":"d\\ne"}',
    '<7>{"level":20,"msg":"f"}',
    '<7>{"level":10,"worker":1,"msg":"g"}',
  ]);
});

test('a text of a peer cannot move the cursor, hide, turn around, or be long', () => {
  assert.equal(printable('alice@example.org', 20), 'alice@example.org');
  assert.equal(printable('Zoë 山田 🙂', 20), 'Zoë 山田 🙂');
  assert.equal(printable('a\u001b[2Jb\u009b1mc\r\nd\u2028e\u202ef\u200bg', 40), 'a�[2Jb�1mc��d�e�f�g');
  assert.equal(printable('x'.repeat(300), 256), `${'x'.repeat(256)}...`);
  assert.equal(printable('🙂🙂', 1), '�...');
});
