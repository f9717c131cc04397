// What tshark makes of the capture of a tunnel between two kernels, taken by the command.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { viewOf } from '../../src/wire/bytes.ts';
import { credentialsAt } from '../../src/wire/credentials.ts';
import { Direction, emitFrame, encodeInterface, encodeSectionHeader, frameBlockLength } from '../../src/wire/pcapng.ts';
import { Namespace, namespacesUnavailable } from '../tun/namespace.ts';
import { hex } from '../wire/hex.ts';
import type { CapturedTunnelReport } from './captured-tunnel.ts';
import { USER } from './site.ts';

const GATEWAY = '10.66.0.1';
/** The longest IP packet of the tunnel. */
const MTU = 1400;
const FIELDS = [
  'frame.protocols',
  'frame.p2p_dir',
  'ppp.protocol',
  'ppp.code',
  'ip.src',
  'ip.len',
  'icmp.type',
  'tcp.len',
  'tcp.checksum.status',
  '_ws.malformed',
] as const;
/** RFC 2759 5. All of it: checksums and sequence numbers have its first two bytes in every few files. */
const AUTHENTICATOR_RESPONSE = /S=[0-9A-F]{40}/;
/** frame.p2p_dir */
const SENT = '0';
const RECEIVED = '1';

type Row = Readonly<Record<(typeof FIELDS)[number], string>>;

describe('tshark', { skip: tsharkUnavailable() || namespacesUnavailable() }, () => {
  let directory: string;
  let blanked: string;
  before(() => (directory = mkdtempSync(join(tmpdir(), 'sstp-capture-'))));
  after(() => rmSync(directory, { recursive: true, force: true }));

  const captured = async (
    name: string,
    ...flags: string[]
  ): Promise<{ readonly file: string; readonly report: CapturedTunnelReport }> => {
    const file = join(directory, `${name}.pcapng`);
    const gateway = new Namespace('pg');
    const client = new Namespace('pc');
    try {
      gateway.connect(client, 'outer', '192.0.2.1/24', 'outer', '192.0.2.2/24');
      const program = fileURLToPath(new URL('captured-tunnel.js', import.meta.url));
      const command = [process.execPath, '--enable-source-maps', program, client.name, '192.0.2.1', file, ...flags];
      const { code, stdout, stderr } = await gateway.run(command[0]!, ...command.slice(1));
      assert.equal(code, 0, stdout + stderr);
      return { file, report: JSON.parse(stdout) as CapturedTunnelReport };
    } finally {
      client.delete();
      gateway.delete();
    }
  };

  test('takes a whole session apart, down to LCP, IPCP, ICMP and TCP, each frame in its direction', async () => {
    const { file, report } = await captured('blanked');
    blanked = file;
    const { address, transferred } = report;
    const rows = dissect(file);
    assert.deepEqual([report.code, report.stderr.split(',')[0]], [0, `${rows.length} frames`], report.stderr);
    assert.match(report.stderr, /; ended: session-ended\n$/);
    assert.equal(statSync(file).mode & 0o777, 0o600);

    const of = (protocols: string): Row[] => rows.filter(row => row['frame.protocols'] === protocols);
    const codes = (protocol: string): string[] =>
      of(`ppp:${protocol}`).map(row => `${row['frame.p2p_dir']} ${row['ppp.code']}`);
    // Requests and their Acks both ways, then who leaves and who agrees.
    for (const step of ['1', '2']) {
      for (const protocol of ['lcp', 'ipcp']) {
        for (const direction of [SENT, RECEIVED]) assert.ok(codes(protocol).includes(`${direction} ${step}`), protocol);
      }
    }
    assert.deepEqual(codes('lcp').slice(-2), [`${RECEIVED} 5`, `${SENT} 6`]);
    const pings = rows.filter(row => row['icmp.type'] !== '').map(row => `${row['frame.p2p_dir']} ${row['icmp.type']}`);
    assert.deepEqual(
      pings,
      [1, 2, 3].flatMap(() => [`${RECEIVED} 8`, `${SENT} 0`]),
    );

    for (const [direction, source] of [
      [RECEIVED, address],
      [SENT, GATEWAY],
    ]) {
      const packets = rows.filter(row => row['ip.src'] === source);
      assert.ok(
        packets.every(row => row['frame.p2p_dir'] === direction),
        `all from ${source} in its direction`,
      );
      // Several times when it was lost on its way.
      const bytes = packets.reduce((sum, row) => sum + Number(row['tcp.len']), 0);
      assert.ok(bytes >= transferred, `${bytes} bytes of TCP from ${source}`);
    }
    for (const row of rows) {
      assert.equal(row['_ws.malformed'], '', JSON.stringify(row));
      assert.ok(
        Number(row['ip.len']) <= MTU,
        'segments as they were sent, not the super-packet that they were cut from',
      );
      if (row['tcp.len'] !== '') assert.equal(row['tcp.checksum.status'], '1', 'a good checksum');
    }
  });

  test('makes sense of the headers that stay of PAP and EAP', () => {
    const file = join(directory, 'headers.pcapng');
    const blocks = [encodeSectionHeader('', ''), encodeInterface('', 0)];
    for (const text of [
      'ff03c0230101000c03616263037077',
      'ff03c0230201000500',
      'ff03c2270205000a01616c696365',
      'ff03c2270105000f1a01010010050102030405',
      'ff03c0210802001ac0230101000c03616263037077',
    ]) {
      const bytes = hex(text);
      const shown = credentialsAt(viewOf(bytes), 0, bytes.length);
      const { length } = bytes;
      const frame = { time: 0, direction: Direction.Inbound, bytes, kept: length, shown, comment: undefined };
      const block = new Uint8Array(frameBlockLength(frame));
      emitFrame(viewOf(block), 0, frame);
      blocks.push(block);
    }
    writeFileSync(file, Buffer.concat(blocks));
    assert.deepEqual(
      dissect(file).map(row => row['frame.protocols'] + row['_ws.malformed']),
      ['ppp:pap', 'ppp:pap', 'ppp:eap', 'ppp:eap', 'ppp:lcp:pap'],
    );
  });

  test('finds no authentication in it, and all of it in one with --auth', async () => {
    const { file: shown } = await captured('shown', '--auth');
    assert.ok(dissect(shown).every(row => row['_ws.malformed'] === ''));
    for (const secret of [new RegExp(USER), AUTHENTICATOR_RESPONSE]) {
      assert.doesNotMatch(readFileSync(blanked, 'latin1'), secret);
      assert.match(readFileSync(shown, 'latin1'), secret);
    }
    // Challenge, response and success.
    assert.equal(tshark(blanked, '-Y', 'chap && frame.comment contains "zeros"').length, 3);
    assert.equal(tshark(shown, '-Y', 'chap && !frame.comment').length, 3);
  });
});

function dissect(file: string): Row[] {
  const options = ['-o', 'tcp.check_checksum:TRUE', '-T', 'fields', '-E', 'separator=;', '-E', 'occurrence=f'];
  return tshark(file, ...options, ...FIELDS.flatMap(field => ['-e', field])).map(line => {
    const values = line.split(';');
    return Object.fromEntries(FIELDS.map((field, index) => [field, values[index] ?? ''])) as Row;
  });
}

/** The lines that it prints. */
function tshark(file: string, ...args: string[]): string[] {
  const printed = execFileSync('tshark', ['-n', '-r', file, ...args], { encoding: 'utf8', stdio: 'pipe' });
  return printed.split('\n').filter(line => line !== '');
}

/** Why tests with tshark must be skipped here, or false. With CI=true nothing is skipped: what is missing fails. */
function tsharkUnavailable(): string | false {
  if (process.env['CI'] === 'true') return false;
  try {
    execFileSync('tshark', ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'needs tshark';
  }
}
