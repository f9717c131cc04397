import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { before, describe, test, type TestContext } from 'node:test';
import { ConfigError } from '../../src/config/config-error.ts';
import { loadConfig } from '../../src/config/load.ts';
import { makePair, type Pair, type Workspace, workspace } from './workspace.ts';

let pair: Pair;
before(async () => {
  pair = await makePair();
});

describe('sstp.decoy', () => {
  test('404, close and a URL are what they say', context => {
    const space = prepared(context);
    assert.equal(loaded(space, '404').decoy, 404);
    assert.equal(loaded(space, '"404"').decoy, 404);
    assert.equal(loaded(space, 'close').decoy, 'close');
    assert.deepEqual(loaded(space, 'https://www.example.org').decoy, { redirect: 'https://www.example.org/' });
    assert.deepEqual(loaded(space, '"https://münchen.example/a b"').decoy, {
      redirect: 'https://xn--mnchen-3ya.example/a%20b',
    });
  });

  test('a directory is read into memory that threads share, without what is hidden and where links lead', context => {
    const space = prepared(context);
    write(space, 'site/index.html', '<p>hello');
    write(space, 'site/a b/Ü.CSS', 'p{}');
    write(space, 'site/data.bin', '\u0000');
    write(space, 'site/.well-known/security.txt', 'Contact: x');
    write(space, 'site/.git/config', 'secret');
    write(space, 'site/.htpasswd', 'secret');
    write(space, 'other/secret.txt', 'secret');
    symlinkSync('../other', space.path('site/other'));
    symlinkSync('nowhere', space.path('site/dangling.html'));
    symlinkSync('index.html', space.path('site/home.html'));
    const { decoy, warnings } = loaded(space, 'site');
    assert.deepEqual(warnings, []);
    assert.ok(typeof decoy === 'object' && 'files' in decoy);
    assert.equal(decoy.directory, space.path('site'));
    assert.deepEqual(
      decoy.files.map(({ path, contentType, content }) => [path, contentType, Buffer.from(content).toString()]),
      [
        ['/.well-known/security.txt', 'text/plain; charset=utf-8', 'Contact: x'],
        ['/a b/Ü.CSS', 'text/css; charset=utf-8', 'p{}'],
        ['/data.bin', 'application/octet-stream', '\u0000'],
        ['/home.html', 'text/html; charset=utf-8', '<p>hello'],
        ['/index.html', 'text/html; charset=utf-8', '<p>hello'],
      ],
    );
    const etags = decoy.files.map(({ etag }) => etag);
    for (const etag of etags) assert.match(etag, /^"[0-9a-f]{32}"$/);
    assert.equal(new Set(etags).size, 4, 'the same content has the same tag');
    for (const { content } of decoy.files) assert.ok(content.buffer instanceof SharedArrayBuffer);
  });

  test('a directory without index.html is worth a warning', context => {
    const space = prepared(context);
    write(space, 'site/a.html', '');
    assert.match(loaded(space, 'site').warnings.join(), /sstp\.decoy: .*site has no index\.html/);
  });

  const refused: readonly [what: string, value: string, prepare: (space: Workspace) => void, problem: RegExp][] = [
    [
      'an address in clear',
      'http://example.org',
      () => {},
      /"http:\/\/example\.org" cannot be used; accepted: 404, close, an https:/,
    ],
    ['what is no URL', '"https://"', () => {}, /"https:\/\/" cannot be used/],
    ['a word that is no directory', 'clsoe', () => {}, /clsoe: no such file; accepted: 404, close, an https:/],
    ['a file', 'cert.pem', () => {}, /cert\.pem: a part of the path is not a directory/],
    ['an empty directory', 'site', space => mkdirSync(space.path('site')), /site holds no file/],
    [
      'too much',
      'site',
      space => {
        for (const name of ['a', 'b', 'c']) write(space, `site/${name}`, 'x'.repeat(3 * 1024 * 1024));
      },
      /site holds more than 8 MiB/,
    ],
    [
      'too many files',
      'site',
      space => {
        for (let n = 0; n <= 1000; n++) write(space, `site/${n}`, '');
      },
      /site holds more than 1000 files/,
    ],
    ['a nest', 'site', space => write(space, `site/${'a/'.repeat(17)}b`, ''), /nested too deep/],
    ['a list', '[a]', () => {}, /accepted: 404/],
  ];
  for (const [what, value, prepare, problem] of refused) {
    test(`${what} is refused`, context => {
      const space = prepared(context);
      prepare(space);
      assert.throws(
        () => loaded(space, value),
        (error: unknown) =>
          error instanceof ConfigError && problem.test(error.message) && /:2: sstp\.decoy/.test(error.message),
      );
    });
  }
});

function prepared(context: TestContext): Workspace {
  const space = workspace(context);
  space.write('cert.pem', pair.cert);
  space.write('key.pem', pair.key);
  return space;
}

function loaded(space: Workspace, decoy: string) {
  const text = `tls: { certificates: [{ cert: cert.pem, key: key.pem }] }\nsstp: { decoy: ${decoy} }`;
  const { config, warnings } = loadConfig(space.write('gateway.yaml', text));
  return { decoy: config.sstp.decoy, warnings };
}

function write(space: Workspace, name: string, content: string): void {
  const path = space.path(name);
  mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true });
  writeFileSync(path, content);
}
