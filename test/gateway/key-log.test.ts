// tls.keyLog: keys that decrypt a capture, and only when they are asked for.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type SecureVersion } from 'node:tls';
import { createClientRuntime } from '../../src/client/client-runtime.ts';
import { TestClient } from './clients.ts';
import { GatewayProcess } from './gateway-process.ts';
import { createSite, type Site } from './site.ts';

const CAPTURE_LIMIT_MS = 15_000;

describe('the key log', () => {
  const original = process.env['SSLKEYLOGFILE'];
  after(() => {
    if (original === undefined) delete process.env['SSLKEYLOGFILE'];
    else process.env['SSLKEYLOGFILE'] = original;
  });

  test('has the keys that the client has, for TLS 1.2 and 1.3, until a reload ends it', async () => {
    const { site, gateway, keys } = await started('keys.log');
    try {
      assert.equal(statSync(keys).mode & 0o777, 0o600);
      assert.match(
        JSON.stringify(gateway.log),
        /tls\.keyLog: THE KEYS OF EVERY TLS CONNECTION ARE WRITTEN TO [^ ]*keys\.log/,
      );
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        const lines = await handshake(gateway.port, version);
        assert.ok(lines.length >= (version === 'TLSv1.2' ? 1 : 4));
        await gateway.until(() => lines.every(line => readFileSync(keys, 'utf8').includes(line)));
      }
      const written = readFileSync(keys, 'utf8');
      assert.match(written, /^(?:[A-Z_0-9]+ [0-9a-f]{64} [0-9a-f]+\n)+$/);
      for (const secret of written.split(/[ \n]/).filter(word => /^[0-9a-f]{96}$/.test(word))) {
        assert.ok(!JSON.stringify(gateway.log).includes(secret), 'a key in the log');
      }

      const config = JSON.parse(readFileSync(site.configFile, 'utf8')) as { tls: object };
      writeFileSync(site.configFile, JSON.stringify({ ...config, tls: { ...config.tls, keyLog: undefined } }));
      assert.equal((await fetch(`${gateway.admin}/api/v1/reload`, { method: 'POST' })).status, 200);
      await handshake(gateway.port, 'TLSv1.3');
      assert.equal(await gateway.stop(), 0);
      assert.equal(readFileSync(keys, 'utf8'), written);
    } finally {
      await gateway.stop();
      site.remove();
    }
  });

  test('is not made by SSLKEYLOGFILE alone', async () => {
    const { site, gateway, keys } = await started(undefined);
    try {
      await handshake(gateway.port, 'TLSv1.3');
      assert.equal(await gateway.stop(), 0);
      assert.ok(!existsSync(keys));
    } finally {
      await gateway.stop();
      site.remove();
    }
  });

  test('goes where SSLKEYLOGFILE says when the setting says so', async () => {
    const { site, gateway, keys } = await started('$SSLKEYLOGFILE');
    try {
      const lines = await handshake(gateway.port, 'TLSv1.3');
      await gateway.until(() => lines.every(line => readFileSync(keys, 'utf8').includes(line)));
    } finally {
      await gateway.stop();
      site.remove();
    }
  });

  test('lets tshark read a captured tunnel', { skip: needsTshark() }, async () => {
    const { site, gateway, keys } = await started('keys.log');
    const capture = join(site.directory, 'tunnel.pcap');
    const filter = `tcp port ${gateway.port}`;
    const tcpdump = spawn('tcpdump', ['-i', 'lo', '-U', '-s', '0', '-Z', 'root', '-w', capture, filter]);
    try {
      // It says so when it listens.
      await once(tcpdump.stderr, 'data', { signal: AbortSignal.timeout(CAPTURE_LIMIT_MS) });
      const https = { host: 'localhost', port: gateway.port, ca: site.ca };
      const tester = await TestClient.connect(await createClientRuntime(), { https });
      await tester.ping();
      await tester.client.end();
      await gateway.untilLogged('session down');
      let text = '';
      for (const end = performance.now() + CAPTURE_LIMIT_MS; performance.now() < end; await sleep(200)) {
        text = decrypted(capture, keys, gateway.port);
        if (text.includes('HTTP/1.1 200 OK')) break;
      }
      assert.match(text, /SSTP_DUPLEX_POST \/sra_\{BA195980-CD49-458b-9E23-C84EE0ADCD75\}\/ HTTP\/1\.1/);
      assert.match(text, /HTTP\/1\.1 200 OK/);
    } finally {
      tcpdump.kill('SIGTERM');
      await gateway.stop();
      site.remove();
    }
  });
});

/** `keys`: the file that SSLKEYLOGFILE names, or the setting. */
async function started(keyLog: string | undefined): Promise<{ site: Site; gateway: GatewayProcess; keys: string }> {
  const certificates = [{ cert: 'cert.pem', key: 'key.pem' }];
  const site = await createSite({ tls: { certificates, keyLog } }, 'ec');
  const keys = join(site.directory, 'keys.log');
  process.env['SSLKEYLOGFILE'] = keyLog === 'keys.log' ? join(site.directory, 'elsewhere.log') : keys;
  return { site, gateway: await GatewayProcess.start(site), keys };
}

/** Shakes hands, asks for a page. @returns the client's own lines */
function handshake(port: number, version: SecureVersion): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const lines: string[] = [];
    const options = { port, host: '127.0.0.1', rejectUnauthorized: false, minVersion: version, maxVersion: version };
    const socket = connect(options, () => socket.end('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
    socket.on('keylog', (line: Buffer) => lines.push(line.toString('latin1')));
    socket.on('error', reject);
    socket.on('data', () => {});
    socket.on('close', () => resolve(lines));
  });
}

/** What tshark makes of the first TCP stream. */
function decrypted(capture: string, keys: string, port: number): string {
  const preferences = ['-o', `tls.keylog_file:${keys}`, '-d', `tcp.port==${port},tls`];
  return execFileSync('tshark', ['-r', capture, ...preferences, '-q', '-z', 'follow,tls,ascii,0'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

function needsTshark(): string | false {
  if (process.env['CI'] === 'true') return false;
  if (process.getuid?.() !== 0) return 'needs root';
  try {
    for (const program of ['tshark', 'tcpdump']) execFileSync(program, ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'needs tshark and tcpdump';
  }
}
