import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { FakeGateway } from './fake-gateway.ts';
import { SilentAdmin } from './silent-admin.ts';

describe('the files of the dashboard', () => {
  let server: SilentAdmin;

  const ask = (path: string, init: RequestInit = {}): Promise<Response> => fetch(`${server.url}${path}`, init);

  beforeEach(async () => {
    server = await SilentAdmin.start(new FakeGateway(), 'a-token');
  });
  afterEach(() => server.close());

  test('are served without a token, the page first', async () => {
    const page = await ask('/');
    assert.equal(page.status, 200);
    assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
    assert.match(await page.text(), /^<!doctype html>/);
    assert.equal((await ask('/api/v1/status')).status, 401);
  });

  test('hold all that the page names, and nothing from elsewhere', async () => {
    const page = await (await ask('/')).text();
    const links = [...page.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, link]) => link!);
    assert.ok(links.length >= 5, `${links.length} links`);
    for (const link of links) {
      assert.match(link, /^\/assets\//);
      assert.equal((await ask(link)).status, 200, link);
    }
    const scripts = ['/assets/main.js'];
    for (const script of scripts) {
      const response = await ask(script);
      assert.equal(response.headers.get('content-type'), 'text/javascript; charset=utf-8', script);
      for (const [, name] of (await response.text()).matchAll(/^import .*?from '\.\/([^']+)'/gm)) {
        if (!scripts.includes(`/assets/${name}`)) scripts.push(`/assets/${name}`);
      }
    }
    assert.ok(scripts.includes('/assets/uplot.js'));
  });

  test('may load nothing from elsewhere, be framed by nobody, and make no markup of text', async () => {
    for (const path of ['/', '/assets/main.js', '/assets/page.css']) {
      const { headers } = await ask(path);
      const policy = headers.get('content-security-policy')!.split('; ');
      assert.ok(policy.includes("default-src 'none'"), path);
      assert.ok(policy.includes("script-src 'self'"), path);
      assert.ok(policy.includes("frame-ancestors 'none'"), path);
      assert.ok(policy.includes("require-trusted-types-for 'script'"), path);
      assert.ok(!policy.some(directive => directive.includes('unsafe')), path);
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.equal(headers.get('referrer-policy'), 'no-referrer');
    }
  });

  test('are not sent again to who has them', async () => {
    const first = await ask('/assets/uplot.js', { headers: { 'Accept-Encoding': 'identity' } });
    const etag = first.headers.get('etag')!;
    assert.match(etag, /^"[\w-]{43}"$/);
    assert.equal(first.headers.get('cache-control'), 'no-cache');
    const again = await ask('/assets/uplot.js', {
      headers: { 'Accept-Encoding': 'identity', 'If-None-Match': `"other", ${etag}` },
    });
    assert.equal(again.status, 304);
    assert.equal(await again.text(), '');
    const zipped = await ask('/assets/uplot.js', { headers: { 'Accept-Encoding': 'gzip', 'If-None-Match': etag } });
    assert.equal(zipped.status, 200, 'another encoding is another answer');
    assert.notEqual(zipped.headers.get('etag'), etag);
  });

  test('are compressed for who takes that', async () => {
    const plain = await ask('/assets/uplot.js', { headers: { 'Accept-Encoding': 'identity' } });
    const zipped = await ask('/assets/uplot.js', { headers: { 'Accept-Encoding': 'br, gzip;q=0.8' } });
    assert.equal(plain.headers.get('content-encoding'), null);
    assert.equal(zipped.headers.get('content-encoding'), 'gzip');
    assert.equal(zipped.headers.get('vary'), 'Accept-Encoding');
    assert.equal(await zipped.text(), await plain.text());
    const refused = await ask('/assets/uplot.js', { headers: { 'Accept-Encoding': 'gzip;q=0' } });
    assert.equal(refused.headers.get('content-encoding'), null);
  });

  test('can be read only, and are those of the list only', async () => {
    const head = await ask('/', { method: 'HEAD' });
    assert.equal(head.status, 200);
    assert.equal(await head.text(), '');
    const post = await ask('/', { method: 'POST' });
    assert.equal(post.status, 405);
    assert.equal(post.headers.get('allow'), 'GET, HEAD');
    for (const path of ['/assets/', '/assets/..%2fadmin/server.js', '/assets/../admin/server.js', '/index.html']) {
      assert.notEqual((await ask(path)).status, 200, path);
    }
  });

  test('are all in the package', () => {
    const { files, dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      files: string[];
      dependencies: Record<string, string>;
    };
    assert.ok(files.includes('build/src'));
    assert.ok(dependencies['uplot'] !== undefined);
    assert.ok(existsSync('build/src/dashboard/index.html'));
  });
});
