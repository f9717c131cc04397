// sorz/sstp-server: SSTP in Python around a pppd, which speaks as pppd does on a serial line.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { createClientRuntime, type ClientRuntime } from '../../../src/client/client-runtime.ts';
import { ended, meet } from './client.ts';

const persona = {
  head: ['HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\nServer: SSTP-Server/0.7.1\r\n\r\n'],
};

const UP = [
  '< sstp connect-request',
  // The process is spawned meanwhile: the client speaks first.
  '> sstp connect-ack 03',
  '< lcp confreq 1 mru=1400 magic=*',
  '> lcp confreq 1 asyncmap=00000000 auth=c22381 magic=6d61676b pfc acfc',
  '< lcp confrej 1 pfc acfc',
  '> lcp confack 1 mru=1400 magic=$MAGIC',
  '> lcp confreq 2 asyncmap=00000000 auth=c22381 magic=6d61676b',
  '< lcp confack 2 asyncmap=00000000 auth=c22381 magic=6d61676b',
  '> lcp echoreq 0 #6d61676b',
  '< lcp echorep 0 #*',
  `> chap challenge 96 #10${'33'.repeat(16)}70707064`,
  '< chap response 96 *',
  '> chap success 96 "$PROOF M=Access granted"',
  '> ccp confreq 1 15=1200 18=80000000',
  '> ipcp confreq 1 vj=002d0f01 address=192.168.20.1',
  '< connected sha256',
  '< ipcp confreq 1 address=0.0.0.0 dns1=0.0.0.0 dns2=0.0.0.0',
  '< lcp protrej 2 #*',
  '< ipcp confrej 1 vj=002d0f01',
  '> ipcp confreq 2 address=192.168.20.1',
  '< ipcp confack 2 address=192.168.20.1',
  '> ipcp confnak 1 address=192.168.20.2 dns1=8.8.8.8 dns2=8.8.4.4',
  '< ipcp confreq 2 address=192.168.20.2 dns1=8.8.8.8 dns2=8.8.4.4',
  '> ipcp confack 2 address=192.168.20.2 dns1=8.8.8.8 dns2=8.8.4.4',
  '< ping 192.168.20.2 192.168.20.1',
  '> pong',
];

describe('sorz', () => {
  let runtime: ClientRuntime;
  before(async () => {
    runtime = await createClientRuntime();
  });

  test('pppd behind it comes up, pings, and its end is an LCP Terminate and a Call Disconnect', async () => {
    const transcript = [
      ...UP,
      '> lcp termreq 3 "User request"',
      '< lcp termack 3',
      '> sstp disconnect 0/0',
      '< sstp disconnect-ack',
      '# hang up',
    ];
    const reason = await meet(runtime, { persona, transcript }, async tester => {
      await tester.ping();
      return ended(tester);
    });
    assert.equal(reason, 'peer-terminate');
  });

  test('a wrong binding is its Call Abort with one status', async () => {
    const transcript = [...UP.slice(0, UP.indexOf('< connected sha256') + 1), '> sstp abort 2/7'];
    await assert.rejects(
      meet(runtime, { persona, transcript: [...transcript, ...AFTER_ABORT] }, async () => {}),
      { reason: 'peer-abort' },
    );
  });
});

/** What the client had said already when the Abort met it, and its answer. */
const AFTER_ABORT = [
  '< ipcp confreq 1 address=0.0.0.0 dns1=0.0.0.0 dns2=0.0.0.0',
  '< lcp protrej 2 #*',
  '< ipcp confrej 1 vj=002d0f01',
  '< sstp abort 2/7',
  '# hang up',
];
