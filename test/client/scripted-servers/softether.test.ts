// SoftEther VPN 5.x: PPP begins with the client's first data packet, knows two LCP options, and never answers an SSTP echo.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { createClientRuntime, type ClientRuntime } from '../../../src/client/client-runtime.ts';
import { TunnelRefusedError } from '../../../src/client/tunnel-refused-error.ts';
import { ended, meet } from './client.ts';

const persona = {
  head: [
    'HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\nServer: Microsoft-HTTPAPI/2.0\r\nDate: Sat, 22 Aug 2026 10:00:00 GMT\r\n\r\n',
  ],
};
const CHALLENGE = `#10${'5e'.repeat(16)}`;

/** EAP is offered first; the client's request without the magic number is acknowledged, were it empty. */
const TO_CHALLENGE = [
  '< sstp connect-request',
  '> sstp connect-ack 02',
  '< lcp confreq 1 mru=1400 magic=*',
  '> lcp confrej 1 magic=$MAGIC',
  '> lcp confreq 0 mru=1500 auth=c227',
  '< lcp confreq 2 mru=1400',
  '< lcp confnak 0 auth=c22381',
  '> lcp confack 2 mru=1400',
  '> lcp confreq 1 mru=1500 auth=c22381',
  '< lcp confack 1 mru=1500 auth=c22381',
  `> chap challenge 2 ${CHALLENGE}`,
  '< chap response 2 *',
];

const UP = [
  ...TO_CHALLENGE,
  '> chap success 2 "$PROOF"',
  '< connected sha256',
  '< ipcp confreq 1 address=0.0.0.0 dns1=0.0.0.0 dns2=0.0.0.0',
  // Established: the first echo goes out at once, and then one every few seconds. The Ack waits for that of the client.
  '> sstp echo-request',
  '> ipcp confreq 3 address=192.0.0.8',
  '< sstp echo-response',
  '< ipcp confack 3 address=192.0.0.8',
  '> ipcp confrej 1 dns2=0.0.0.0',
  '< ipcp confreq 2 address=0.0.0.0 dns1=0.0.0.0',
  '> ipcp confnak 2 address=192.168.30.10 dns1=192.168.30.1',
  '< ipcp confreq 3 address=192.168.30.10 dns1=192.168.30.1',
  '> ipcp confack 3 address=192.168.30.10 dns1=192.168.30.1',
  '< ping 192.168.30.10 192.0.0.8',
  '> pong',
  '> sstp echo-request',
  '< sstp echo-response',
];

describe('SoftEther', () => {
  let runtime: ClientRuntime;
  before(async () => {
    runtime = await createClientRuntime();
  });

  for (const [farewell, reply, reason] of [
    ['sstp disconnect', 'sstp disconnect-ack', 'peer-disconnect'],
    ['sstp abort', 'sstp abort 2/7', 'peer-abort'],
  ] as const) {
    test(`comes up on the client's first word, pings, and ends with a ${farewell} that has no Status Info`, async () => {
      const transcript = [...UP, `> ${farewell}`, `< ${reply}`, '# hang up'];
      const actual = await meet(runtime, { persona, transcript }, async tester => {
        await tester.ping();
        return ended(tester);
      });
      assert.equal(actual, reason);
    });
  }

  test('an empty request is what is left when the MRU is rejected too', async () => {
    const transcript = [
      '< sstp connect-request',
      '> sstp connect-ack 02',
      '< lcp confreq 1 mru=1400 magic=*',
      '> lcp confrej 1 mru=1400 magic=$MAGIC',
      '< lcp confreq 2',
      '> lcp confack 2',
      '> lcp confreq 0 mru=1500 auth=c023',
      '< lcp confack 0 mru=1500 auth=c023',
      '< pap request 1 *',
      '> pap nak 1 #00',
      '# hang up',
    ];
    await assert.rejects(
      meet(runtime, { persona, transcript, options: { auth: ['pap'] } }, async () => {}),
      {
        reason: 'auth-failed',
      },
    );
  });

  test('a failure is told with its code', async () => {
    const transcript = [
      ...TO_CHALLENGE,
      `> chap failure 2 "E=691 R=0 C=${'5E'.repeat(16)} V=3"`,
      '< lcp termreq *',
      '> lcp termack 3',
      '< sstp disconnect 0/0',
      '> sstp disconnect-ack',
      '< hang up',
    ];
    await assert.rejects(
      meet(runtime, { persona, transcript }, async () => {}),
      (error: unknown) => error instanceof TunnelRefusedError && error.authFailure?.code === 691,
    );
  });
});
