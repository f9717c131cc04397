// accel-ppp, as its sstp.c behaves: LCP starts right behind the Ack, everything is sent as one writes it in the RFC.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { createClientRuntime, type ClientRuntime } from '../../../src/client/client-runtime.ts';
import { TunnelRefusedError } from '../../../src/client/tunnel-refused-error.ts';
import { ended, meet } from './client.ts';

const persona = {
  head: [
    'HTTP/1.1 200 OK\r\nDate: Sat, 22 Aug 2026 10:00:00 GMT\r\nContent-Length: 18446744073709551615\r\nConnection: keep-alive\r\n\r\n',
  ],
};
const CHALLENGE = `#10${'ac'.repeat(16)}`;
/** Up to the challenge: the Ack and the first LCP packet come in one record. */
const TO_CHALLENGE = [
  '< sstp connect-request',
  '> sstp connect-ack 03',
  '> lcp confreq 1 auth=c22381 mru=1452 magic=327b23c6',
  '< lcp confreq 1 mru=1400 magic=*',
  '< lcp confack 1 auth=c22381 mru=1452 magic=327b23c6',
];

describe('accel-ppp', () => {
  let runtime: ClientRuntime;
  before(async () => {
    runtime = await createClientRuntime();
  });

  const up = [
    ...TO_CHALLENGE,
    '> lcp confack 1 mru=1400 magic=$MAGIC',
    `> chap challenge 1 ${CHALLENGE}616363656c2d707070`,
    '< chap response 1 *',
    '> chap success 1 "$PROOF M=Authentication succeeded"',
    '> ipcp confreq 1 address=192.168.0.1',
    '< connected sha256',
    '< ipcp confreq 1 address=0.0.0.0 dns1=0.0.0.0 dns2=0.0.0.0',
    '< ipcp confack 1 address=192.168.0.1',
    '> ipcp confnak 1 address=192.168.0.42 dns1=9.9.9.9 dns2=149.112.112.112',
    '< ipcp confreq 2 address=192.168.0.42 dns1=9.9.9.9 dns2=149.112.112.112',
    '> ipcp confack 2 address=192.168.0.42 dns1=9.9.9.9 dns2=149.112.112.112',
    '< ping 192.168.0.42 192.168.0.1',
    '> pong',
  ];

  test('comes up, pings, and is ended by Call Disconnect behind an LCP Terminate', async () => {
    const reason = await meet(
      runtime,
      {
        persona,
        transcript: [
          ...up,
          '> lcp termreq 2',
          '< lcp termack 2',
          '> sstp disconnect 0/0',
          '< sstp disconnect-ack',
          '# hang up',
        ],
      },
      async tester => {
        const { address, gateway, dns } = tester.client.network;
        assert.deepEqual([address, gateway, dns], [0xc0a8002a, 0xc0a80001, [0x09090909, 0x95707070]]);
        assert.equal(tester.client.mtu, 1452);
        await tester.ping();
        return ended(tester);
      },
    );
    assert.equal(reason, 'peer-terminate');
  });

  test('a wrong password is told even though C= and M= are missing and the server hangs up at once', async () => {
    const transcript = [
      ...TO_CHALLENGE,
      '> lcp confack 1 mru=1400 magic=$MAGIC',
      `> chap challenge 1 ${CHALLENGE}`,
      '< chap response 1 *',
      '> chap failure 1 "E=691 R=0 V=3"',
      '> sstp disconnect 0/0',
      '# hang up',
    ];
    await assert.rejects(
      meet(runtime, { persona, transcript }, async () => {}),
      (error: unknown) =>
        error instanceof TunnelRefusedError &&
        error.reason === 'auth-failed' &&
        error.message === 'the tunnel did not come up: the server refused user name or password',
    );
  });
});
