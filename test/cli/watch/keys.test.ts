import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseKeys } from '../../../src/cli/watch/keys.ts';

test('what a terminal sends becomes keys, also several at once', () => {
  assert.deepEqual(parseKeys('q\u001b[A\u001bOB\u001b[6~s'), ['q', 'up', 'down', 'page-down', 's']);
  assert.deepEqual(parseKeys('\r\u007f\u0003\u001b'), ['enter', 'backspace', 'interrupt', 'escape']);
  assert.deepEqual(parseKeys('ü日'), ['ü', '日']);
});

test('keys that mean nothing here, and control characters, are left out', () => {
  assert.deepEqual(parseKeys('\u001b[15~\u001b[1;5A\u0007\u0000\u009bq'), ['q']);
});
