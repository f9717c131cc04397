// pppd 2.4.9 under sstpc: async map and magic number, header compression in IPCP, CCP on by default, LCP echoes.
import { describe, test } from 'node:test';
import { ServerScript } from '../script.ts';

describe('pppd client', () => {
  test('connects with MS-CHAPv2, its header compression and CCP refused', () => {
    const pppd = new ServerScript();
    pppd.up('< lcp confreq 1 mru=1400 auth=c22381 magic=01010101');
    pppd.run(
      '> lcp confreq 1 asyncmap=00000000 magic=7c1f9a20 pfc acfc',
      '< lcp confrej 1 pfc acfc',
      '> lcp confack 1 mru=1400 auth=c22381 magic=01010101',
      '> lcp confreq 2 asyncmap=00000000 magic=7c1f9a20',
      '< lcp confack 2 asyncmap=00000000 magic=7c1f9a20',
      `< chap challenge 3 #10${'02'.repeat(16)}6777`,
      '> lcp echoreq 0 #7c1f9a20',
      '< lcp echorep 0 #01010101',
      `> chap response 3 #31${'55'.repeat(16)}${'00'.repeat(8)}${'77'.repeat(24)}00626f62`,
      '! verify mschapv2 bob',
    );
    pppd.verdict(
      { message: 'S=0 M=Welcome' },
      '< chap success 3 "S=0 M=Welcome"',
      '! authenticated bob mschapv2 aaaa',
      '< ipcp confreq 1 address=10.0.0.1',
    );
    networkPhase(pppd, 2);
  });

  test('connects with PAP when it refuses everything else', () => {
    const pppd = new ServerScript();
    pppd.up('< lcp confreq 1 mru=1400 auth=c22381 magic=01010101');
    pppd.run(
      '> lcp confnak 1 auth=c023',
      '< lcp confreq 2 mru=1400 auth=c023 magic=01010101',
      '> lcp confreq 1 asyncmap=00000000 magic=7c1f9a20',
      '< lcp confack 1 asyncmap=00000000 magic=7c1f9a20',
      '> lcp confack 2 mru=1400 auth=c023 magic=01010101',
      '> pap request 1 #03626f6206736563726574',
      '! verify pap bob',
    );
    pppd.verdict(
      {},
      '< pap ack 1 #0777656c636f6d65',
      '! authenticated bob pap aaaa',
      '< ipcp confreq 1 address=10.0.0.1',
    );
    networkPhase(pppd, 3);
  });

  test('connects with CHAP and MD5', () => {
    const pppd = new ServerScript({ auth: ['chap'] });
    pppd.up('< lcp confreq 1 mru=1400 auth=c22305 magic=01010101');
    pppd.run(
      '> lcp confreq 1 asyncmap=00000000 magic=7c1f9a20',
      '< lcp confack 1 asyncmap=00000000 magic=7c1f9a20',
      '> lcp confack 1 mru=1400 auth=c22305 magic=01010101',
      `< chap challenge 3 #10${'02'.repeat(16)}6777`,
      `> chap response 3 #10${'99'.repeat(16)}626f62`,
      '! verify chap bob',
    );
    pppd.verdict(
      {},
      '< chap success 3 "welcome"',
      '! authenticated bob chap aaaa',
      '< ipcp confreq 1 address=10.0.0.1',
    );
    networkPhase(pppd, 2);
  });

  test('with +ipv6 it keeps the identifier of its own, or takes the one that it is given', () => {
    const ipv6 = { interfaceId: 7n, gatewayInterfaceId: 1n, prefix: undefined, delegated: undefined, dns: [] };
    for (const insists of [false, true]) {
      const pppd = networkEntered({ ipv6: { ...ipv6, insistsOnInterfaceId: insists } });
      pppd.run('> ipv6cp confack 1 01=0000000000000001');
      pppd.run(
        ...(insists
          ? [
              '> ipv6cp confreq 1 01=5c0b32a8d1e4f697',
              '< ipv6cp confnak 1 01=0000000000000007',
              '> ipv6cp confreq 2 01=0000000000000007',
              '< ipv6cp confack 2 01=0000000000000007',
              '! networkUp ipv6 client=7 gateway=1 mru=1500',
            ]
          : [
              '> ipv6cp confreq 1 01=5c0b32a8d1e4f697',
              '< ipv6cp confack 1 01=5c0b32a8d1e4f697',
              '! networkUp ipv6 client=5c0b32a8d1e4f697 gateway=1 mru=1500',
            ]),
      );
    }
  });

  test('a static address of its own is corrected', () => {
    const pppd = networkEntered();
    pppd.run(
      '> ipcp confreq 1 address=192.168.7.7',
      '< ipcp confnak 1 address=10.0.0.7',
      '> ipcp confreq 2 address=10.0.0.7',
      '< ipcp confack 2 address=10.0.0.7',
    );
  });

  test('noipdefault without an address gets one suggested', () => {
    const pppd = networkEntered();
    pppd.run('> ipcp confreq 1', '< ipcp confnak 1 address=10.0.0.7');
  });

  test('insisting on its own address ends the call after five Naks', () => {
    const pppd = networkEntered();
    for (let id = 1; id <= 5; id++) {
      pppd.run(`> ipcp confreq ${id} address=192.168.7.7`, `< ipcp confnak ${id} address=10.0.0.7`);
    }
    pppd.run('> ipcp confreq 6 address=192.168.7.7', '< lcp termreq 2', '> lcp termack 2', '! ended ipcp-failed');
  });

  test('require-mppe makes it give up: its Terminate-Request is answered', () => {
    const pppd = networkEntered();
    pppd.run(
      '> ccp confreq 1 12=01000060',
      '< lcp protrej 2 #80fd0101000a120601000060',
      '> lcp termreq 2 #4d505045207265717569726564',
      '< lcp termack 2',
      '+ 1000',
      '! ended peer-terminate',
    );
  });
});

function networkEntered(verdict: Parameters<ServerScript['verdict']>[0] = {}): ServerScript {
  const pppd = new ServerScript({ auth: ['pap'] });
  pppd.up('< lcp confreq 1 mru=1400 auth=c023 magic=01010101');
  pppd.run(
    '> lcp confreq 1 asyncmap=00000000 magic=7c1f9a20',
    '< lcp confack 1 asyncmap=00000000 magic=7c1f9a20',
    '> lcp confack 1 mru=1400 auth=c023 magic=01010101',
    '> pap request 1 #03626f6206736563726574',
    '! verify pap bob',
  );
  pppd.verdict(
    { message: '', ...verdict },
    '< pap ack 1 #00',
    '! authenticated bob pap aaaa',
    '< ipcp confreq 1 address=10.0.0.1',
    ...('ipv6' in verdict ? ['< ipv6cp confreq 1 01=0000000000000001'] : []),
  );
  return pppd;
}

function networkPhase(pppd: ServerScript, rejectId: number): void {
  pppd.run(
    '> ccp confreq 1 15=7f00 18=7800',
    `< lcp protrej ${rejectId} #80fd0101000c15047f0018047800`,
    '> ipcp confreq 1 vj=002d0f01 address=0.0.0.0 dns1=0.0.0.0 dns2=0.0.0.0',
    '< ipcp confrej 1 vj=002d0f01 dns2=0.0.0.0',
    '> ipcp confreq 2 address=0.0.0.0 dns1=0.0.0.0',
    '< ipcp confnak 2 address=10.0.0.7 dns1=10.0.0.1',
    '> ipcp confreq 3 address=10.0.0.7 dns1=10.0.0.1',
    '< ipcp confack 3 address=10.0.0.7 dns1=10.0.0.1',
    '> ipcp confack 1 address=10.0.0.1',
    '! networkUp 10.0.0.7 mru=1500',
    '> lcp echoreq 1 #7c1f9a20',
    '< lcp echorep 1 #01010101',
  );
}
