import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Namespace, namespacesUnavailable } from './namespace.ts';

test(
  'two namespaces that are connected ping each other, and are gone after delete',
  { skip: namespacesUnavailable() },
  async () => {
    const left = new Namespace('left');
    const right = new Namespace('right');
    left.connect(right, 'cable0', '192.0.2.1/24', 'cable1', '192.0.2.2/24');
    const { code, stdout } = await left.run('ping', '-c', '1', '-W', '2', '192.0.2.2');
    assert.equal(code, 0, stdout);
    assert.match(right.ip('address', 'show', 'dev', 'cable1'), /inet 192\.0\.2\.2\/24/);
    left.delete();
    left.delete();
    right.delete();
    assert.throws(() => left.ip('link'), /Cannot open network namespace/);
  },
);
