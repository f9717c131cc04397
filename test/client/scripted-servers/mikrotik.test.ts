// RouterOS: TLS 1.2 with CBC suites, SHA-1 for the binding, a PAP Ack whose text its Length does not cover, IPCP of an address.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { createClientRuntime, type ClientRuntime } from '../../../src/client/client-runtime.ts';
import { ended, meet } from './client.ts';

const persona = {
  // No reason phrase; and the response comes in pieces, as from a slow CPU.
  head: [
    'HTTP/1.1 200 \r\n',
    'Content-Length: 18446744073709551615\r\nServer: MikroTik-SSTP\r\nDate: Sat, 22 ',
    'Aug 2026 10:00:00 GMT\r\n\r',
    '\n',
  ],
  tls: { maxVersion: 'TLSv1.2', ciphers: 'AES256-SHA' },
} as const;

const LCP = [
  '< sstp connect-request',
  '> sstp connect-ack 01',
  '< lcp confreq 1 mru=1400 magic=*',
  '> lcp confnak 1 mru=1500',
  '< lcp confreq 2 mru=1500 magic=*',
  '> lcp confack 2 mru=1500 magic=$MAGIC',
];

/** Address only; name servers rejected; IPv6CP beside it. */
const IPCP = [
  '> ipcp confreq 1 address=10.112.112.1',
  '> ipv6cp confreq 1 01=0011223344556677',
  '< connected sha1',
  '< ipcp confreq 1 address=0.0.0.0 dns1=0.0.0.0 dns2=0.0.0.0',
  '< ipcp confack 1 address=10.112.112.1',
  '< lcp protrej 3 #80570101000e010a0011223344556677',
  '> ipcp confrej 1 dns1=0.0.0.0 dns2=0.0.0.0',
  '< ipcp confreq 2 address=0.0.0.0',
  '> ipcp confnak 2 address=10.112.112.20',
  '< ipcp confreq 3 address=10.112.112.20',
  '> ipcp confack 3 address=10.112.112.20',
  '< ping 10.112.112.20 10.112.112.1',
  '> pong',
];

describe('MikroTik', () => {
  let runtime: ClientRuntime;
  before(async () => {
    runtime = await createClientRuntime();
  });

  test('with PAP comes up and ends by closing TLS; the binding has the zero key', async () => {
    const transcript = [
      ...LCP,
      '> lcp confreq 1 mru=1500 auth=c023 magic=0badcafe',
      '< lcp confack 1 mru=1500 auth=c023 magic=0badcafe',
      '< pap request 1 #05616c6963650d636f727265637420686f727365',
      '> pap ack 1 + "\\x08Login ok"',
      ...IPCP,
      '# hang up',
    ];
    const reason = await meet(
      runtime,
      { persona, transcript, options: { auth: ['mschapv2', 'pap'] } },
      async tester => {
        assert.equal(tester.client.connection.tls.cipher, 'TLS_RSA_WITH_AES_256_CBC_SHA');
        assert.deepEqual(tester.client.network.dns, []);
        assert.equal(tester.client.mtu, 1500);
        await tester.ping(1400);
        return ended(tester);
      },
    );
    assert.equal(reason, 'connection-fin');
  });

  test('with MS-CHAPv2 comes up with a SHA-1 binding over the keys, and a reset is the reason', async () => {
    const transcript = [
      ...LCP,
      '> lcp confreq 1 mru=1500 auth=c22381 magic=0badcafe',
      '< lcp confack 1 mru=1500 auth=c22381 magic=0badcafe',
      `> chap challenge 1 #10${'77'.repeat(16)}`,
      '< chap response 1 *',
      '> chap success 1 "$PROOF M="',
      ...IPCP,
      '# reset',
    ];
    const reason = await meet(runtime, { persona, transcript }, async tester => {
      await tester.ping();
      return ended(tester);
    });
    assert.match(reason, /^connection-(reset|fin)$/);
  });
});
