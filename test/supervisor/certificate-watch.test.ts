import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { before, describe, test, type TestContext } from 'node:test';
import { loadCertificate } from '../../src/config/certificates.ts';
import type { ServerCertificate } from '../../src/config/schema.ts';
import { CertificateWatch } from '../../src/supervisor/certificate-watch.ts';
import { makePair, type Pair, workspace } from '../config/workspace.ts';

describe('certificates that are replaced on the disk', () => {
  let [old, fresh]: [Pair, Pair] = [undefined as never, undefined as never];
  before(async () => {
    old = await makePair();
    fresh = await makePair();
  });

  function watched(context: TestContext) {
    const space = workspace(context);
    const [cert, key] = [space.write('cert.pem', old.cert), space.write('key.pem', old.key)];
    let present = [loadCertificate(cert, key, ['vpn.example.org'], new Date()).certificate!];
    const refused: string[] = [];
    const replaced: ServerCertificate[] = [];
    const watch = new CertificateWatch({
      intervalMs: 1_000_000,
      certificates: () => present,
      replaced: certificates => {
        present = [...certificates];
        replaced.push(...certificates);
      },
      refused: problem => refused.push(problem),
    });
    context.after(() => watch.close());
    return { space, watch, replaced, refused };
  }

  test('are taken when both are there, with the names they were configured for', context => {
    const { space, watch, replaced, refused } = watched(context);
    watch.look();
    assert.equal(replaced.length, 0);
    space.write('cert.pem', fresh.cert);
    watch.look();
    assert.equal(replaced.length, 0, 'the key is still the old one');
    // As certbot does: a new file under the old name.
    renameSync(space.write('key.new', fresh.key), space.path('key.pem'));
    watch.look();
    assert.deepEqual(
      replaced.map(({ cert, key, serverNames }) => ({ cert, key, serverNames })),
      [{ cert: fresh.cert, key: fresh.key, serverNames: ['vpn.example.org'] }],
    );
    watch.look();
    assert.equal(replaced.length, 1);
    assert.deepEqual(refused, []);
  });

  test('that never fit together are refused once, and taken when they do', context => {
    const { space, watch, replaced, refused } = watched(context);
    space.write('key.pem', fresh.key);
    for (let look = 0; look < 10; look++) watch.look();
    assert.equal(refused.length, 1);
    assert.match(refused[0]!, /does not belong to the certificate/);
    space.write('cert.pem', fresh.cert);
    watch.look();
    assert.equal(replaced.length, 1);
  });

  test('that are merely touched are nothing new', context => {
    const { space, watch, replaced } = watched(context);
    renameSync(space.write('cert.new', old.cert), space.path('cert.pem'));
    watch.look();
    assert.equal(replaced.length, 0);
  });
});
