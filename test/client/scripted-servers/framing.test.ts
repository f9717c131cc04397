// What MS-SSTP allows a server to do with bytes, whoever it is: every cut, every coalescing, reserved bits, compressed frames.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { createClientRuntime, type ClientRuntime } from '../../../src/client/client-runtime.ts';
import { ended, meet } from './client.ts';

const HEAD =
  'HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\nServer: Microsoft-HTTPAPI/2.0\r\nDate: Sat, 22 Aug 2026 10:00:00 GMT\r\n\r\n';

const UP = [
  '< sstp connect-request',
  '> sstp connect-ack 03',
  '> lcp confreq 1 auth=c023',
  '< lcp confreq 1 mru=1400 magic=*',
  '< lcp confack 1 auth=c023',
  '> lcp confack 1 mru=1400 magic=$MAGIC',
  '< pap request 1 *',
  '> pap ack 1 #00',
  '> ipcp confreq 1 address=10.0.0.1',
  '< connected sha256',
  '< ipcp confreq 1 address=0.0.0.0 dns1=0.0.0.0 dns2=0.0.0.0',
  '< ipcp confack 1 address=10.0.0.1',
  '> ipcp confnak 1 address=10.0.0.7 dns1=10.0.0.53 dns2=10.0.0.54',
  '< ipcp confreq 2 address=10.0.0.7 dns1=10.0.0.53 dns2=10.0.0.54',
  '> ipcp confack 2 address=10.0.0.7 dns1=10.0.0.53 dns2=10.0.0.54',
  '< ping 10.0.0.7 10.0.0.1',
  '> pong',
  '> sstp disconnect 0/0',
  '< sstp disconnect-ack',
  '# hang up',
];

const withoutFf03 = (protocol: number): Uint8Array => Uint8Array.of(protocol >> 8, protocol & 0xff);

describe('a server that', () => {
  let runtime: ClientRuntime;
  before(async () => {
    runtime = await createClientRuntime();
  });

  const cases = [
    ['writes each packet at once', { head: [HEAD] }, UP],
    ['writes every byte of head and packets in a record of its own', { head: HEAD.split('') }, UP.map(byteByByte)],
    ['sets all reserved bits', { head: [HEAD], reservedBits: true }, UP],
    ['leaves FF 03 out', { head: [HEAD], frameHeader: withoutFf03 }, UP],
  ] as const;
  for (const [what, persona, transcript] of cases) {
    test(`${what} is understood`, async () => {
      const reason = await meet(runtime, { persona, transcript, options: { auth: ['pap'] } }, async tester => {
        await tester.ping();
        return ended(tester);
      });
      assert.equal(reason, 'peer-disconnect');
    });
  }

  test('sends no SSTP is left at once, without a word', async () => {
    const transcript = ['< sstp connect-request', '! 48545450', '< hang up'];
    await assert.rejects(
      meet(runtime, { persona: { head: [HEAD] }, transcript }, async () => {}),
      {
        reason: 'delineation',
      },
    );
  });

  test('refuses the call with a Nak for ever is aborted at the fourth', async () => {
    const transcript = [
      ...[1, 2, 3].flatMap(() => ['< sstp connect-request', '> sstp connect-nak 1/4']),
      '< sstp connect-request',
      '> sstp connect-nak 1/4',
      '< sstp abort 2/6',
      '> sstp abort 2/6',
      '# hang up',
    ];
    await assert.rejects(
      meet(runtime, { persona: { head: [HEAD] }, transcript }, async () => {}),
      {
        reason: 'nak-limit',
      },
    );
  });
});

function byteByByte(line: string): string {
  return line.startsWith('> ') ? `~ ${line.slice(2)}` : line;
}
