// Windows RRAS: offers everything that Windows has, EAP first, and tells the client about itself.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { createClientRuntime, type ClientRuntime } from '../../../src/client/client-runtime.ts';
import { ended, meet } from './client.ts';

const persona = {
  head: [
    'HTTP/1.1 200\r\nContent-Length: 18446744073709551615\r\nServer: Microsoft-HTTPAPI/2.0\r\nDate: Thu, 09 Nov 2006 00:51:09 GMT\r\n\r\n',
  ],
};
const CHALLENGE = `#10${'a5'.repeat(16)}52524153`;
const ENDPOINT = 'endpoint=01d0c1b2a3948576000000000000000000000000';

const UP = [
  '< sstp connect-request',
  '> sstp connect-ack 03',
  `> lcp confreq 0 mru=4091 auth=c227 magic=5ca1ab1e pfc acfc callback=06 mrru=064e ${ENDPOINT}`,
  '< lcp confreq 1 mru=1400 magic=*',
  `< lcp confrej 0 pfc acfc callback=06 mrru=064e ${ENDPOINT}`,
  '> lcp confack 1 mru=1400 magic=$MAGIC',
  '> lcp confreq 1 mru=4091 auth=c227 magic=5ca1ab1e',
  '< lcp confnak 1 auth=c22381',
  '> lcp confreq 2 mru=4091 auth=c22381 magic=5ca1ab1e',
  '< lcp confack 2 mru=4091 auth=c22381 magic=5ca1ab1e',
  '> lcp identification 3 #5ca1ab1e4d535241535635323030',
  `> chap challenge 0 ${CHALLENGE}`,
  '< chap response 0 *',
  '> chap success 0 "$PROOF"',
  '> ccp confreq 4 12=01000001',
  '> ipv6cp confreq 5 01=021122fffe334455',
  '> ipcp confreq 6 address=192.168.9.1',
  '< connected sha256',
  '< ipcp confreq 1 address=0.0.0.0 dns1=0.0.0.0 dns2=0.0.0.0',
  '< lcp protrej 2 #80fd0104000a120601000001',
  '< lcp protrej 3 #80570105000e010a021122fffe334455',
  '< ipcp confack 6 address=192.168.9.1',
  '> ipcp confrej 1 dns2=0.0.0.0',
  '< ipcp confreq 2 address=0.0.0.0 dns1=0.0.0.0',
  '> ipcp confnak 2 address=192.168.9.23 dns1=192.168.1.10',
  '< ipcp confreq 3 address=192.168.9.23 dns1=192.168.1.10',
  '> ipcp confack 3 address=192.168.9.23 dns1=192.168.1.10',
  '> lcp timeleft 7 #5ca1ab1e00000e10',
  '< ping 192.168.9.23 192.168.9.1',
  '> pong',
];

describe('Windows RRAS', () => {
  let runtime: ClientRuntime;
  before(async () => {
    runtime = await createClientRuntime();
  });

  test('comes up after EAP was declined, answers Echo, and leaves with the Call Disconnect of the client', async () => {
    const transcript = [
      ...UP,
      '> sstp echo-request',
      '< sstp echo-response',
      '< ping 192.168.9.23 192.168.9.1',
      '> pong',
      '< lcp termreq 4',
      '> lcp termack 4',
      '< sstp disconnect 0/0',
      '> sstp disconnect-ack',
      '< hang up',
    ];
    const reason = await meet(runtime, { persona, transcript }, async tester => {
      await tester.ping();
      assert.equal(tester.client.mtu, 4087, 'what SSTP can carry');
      await tester.ping();
      const asked = await tester.client.end();
      assert.equal(tester.ended, undefined, 'an end that was asked for is no news');
      return asked;
    });
    assert.equal(reason, 'terminated');
  });

  test('comes up with EAP, which it offers first, when the client knows EAP-MSCHAPv2', async () => {
    const transcript = [
      '< sstp connect-request',
      '> sstp connect-ack 03',
      '> lcp confreq 0 mru=4091 auth=c227 magic=5ca1ab1e',
      '< lcp confreq 1 mru=1400 magic=*',
      '< lcp confack 0 mru=4091 auth=c227 magic=5ca1ab1e',
      '> lcp confack 1 mru=1400 magic=$MAGIC',
      '> eap request 0 #01',
      '< eap response 0 *',
      // It prefers PEAP.
      '> eap request 1 #1920',
      '< eap response 1 #031a',
      `> eap request 2 #1a0102001910${'a5'.repeat(16)}52524153`,
      '< eap response 2 *',
      '> eap request 3 #1a0302002e$HEXPROOF',
      '< eap response 3 #1a03',
      '> eap success 3',
      '< connected sha256',
      '< ipcp confreq 1 address=0.0.0.0 dns1=0.0.0.0 dns2=0.0.0.0',
      '> ipcp confreq 6 address=192.168.9.1',
      '< ipcp confack 6 address=192.168.9.1',
      '> ipcp confrej 1 dns1=0.0.0.0 dns2=0.0.0.0',
      '< ipcp confreq 2 address=0.0.0.0',
      '> ipcp confnak 2 address=192.168.9.23',
      '< ipcp confreq 3 address=192.168.9.23',
      '> ipcp confack 3 address=192.168.9.23',
      '< ping 192.168.9.23 192.168.9.1',
      '> pong',
      '# hang up',
    ];
    const options = { auth: ['eap', 'mschapv2'] } as const;
    const reason = await meet(runtime, { persona, transcript, options }, async tester => {
      await tester.ping();
      return ended(tester);
    });
    assert.equal(reason, 'connection-fin');
  });

  test('a Call Abort with Status Info is answered and is the reason', async () => {
    const transcript = [...UP, '> sstp abort 3/4', '< sstp abort 2/7', '# hang up'];
    const reason = await meet(runtime, { persona, transcript }, async tester => {
      await tester.ping();
      return ended(tester);
    });
    assert.equal(reason, 'peer-abort');
  });

  test('one that wants EAP and nothing else is refused with the reason', async () => {
    const transcript = [
      '< sstp connect-request',
      '> sstp connect-ack 03',
      '< lcp confreq 1 mru=1400 magic=*',
      '> lcp confack 1 mru=1400 magic=$MAGIC',
      ...[0, 1, 2, 3, 4].flatMap(id => [`> lcp confreq ${id} auth=c227`, `< lcp confnak ${id} auth=c22381`]),
      '> lcp confreq 5 auth=c227',
      '< lcp termreq 2',
      '> lcp termack 2',
      '< sstp disconnect 0/0',
      '> sstp disconnect-ack',
      '< hang up',
    ];
    await assert.rejects(
      meet(runtime, { persona, transcript }, async () => {}),
      { reason: 'auth-refused' },
    );
  });
});
