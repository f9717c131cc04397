import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SessionRow, SessionTable } from '../../src/supervisor/session-table.ts';
import type { SessionId } from '../../src/worker/messages.ts';

test('the sessions of a user are those that carry the name and have not ended, the oldest first', () => {
  const table = new SessionTable();
  const [first, second, third] = [row(1), row(2), row(3)];
  for (const each of [first, second, third]) table.add(each);
  assert.deepEqual(table.ofUser(''), [], 'who has not authenticated is nobody');
  for (const each of [first, second]) table.setUser(each, 'alice');
  table.setUser(third, 'bob');
  assert.deepEqual(table.ofUser('alice'), [first, second]);
  table.setUser(first, 'bob');
  assert.deepEqual(table.ofUser('alice'), [second]);
  table.delete(third);
  assert.deepEqual(table.ofUser('bob'), [first]);
  table.delete(first);
  table.delete(second);
  assert.deepEqual([...table.ofUser('alice'), ...table.ofUser('bob')], []);
});

function row(id: number): SessionRow {
  return { id: id as SessionId, publicId: `s${id}`, user: '', state: 'negotiating' } as SessionRow;
}
