// RouterOS as a client: default max-mru 1500, bridging (BCP) and MPLS control protocols beside IPCP, no name servers.
import { describe, test } from 'node:test';
import { ServerScript } from '../script.ts';

describe('MikroTik client', () => {
  test('connects, BCP and MPLSCP refused, and is told the address of the gateway', () => {
    const router = new ServerScript();
    router.up('< lcp confreq 1 mru=1400 auth=c22381 magic=01010101');
    router.run(
      '> lcp confack 1 mru=1400 auth=c22381 magic=01010101',
      '> lcp confreq 1 mru=1500 magic=0badcafe',
      '< lcp confack 1 mru=1500 magic=0badcafe',
      `< chap challenge 3 #10${'02'.repeat(16)}6777`,
      `> chap response 3 #31${'55'.repeat(16)}${'00'.repeat(8)}${'77'.repeat(24)}00726f75746572`,
      '! verify mschapv2 router',
    );
    router.verdict(
      { message: 'S=0 M=Welcome' },
      '< chap success 3 "S=0 M=Welcome"',
      '! authenticated router mschapv2 aaaa',
      '< ipcp confreq 1 address=10.0.0.1',
    );
    router.run(
      '> 8031 confreq 1',
      '< lcp protrej 2 #803101010004',
      '> 8281 confreq 1',
      '< lcp protrej 3 #828101010004',
      '> ipcp confreq 1 address=0.0.0.0',
      '< ipcp confnak 1 address=10.0.0.7',
      '> ipcp confreq 2 address=10.0.0.7',
      '< ipcp confack 2 address=10.0.0.7',
      '> ipcp confack 1 address=10.0.0.1',
      '! networkUp 10.0.0.7 mru=1500',
    );
  });

  test('an address that it invents for the gateway is not taken over', () => {
    const router = new ServerScript({ auth: ['pap'] });
    router.up('< lcp confreq 1 mru=1400 auth=c023 magic=01010101');
    router.run(
      '> lcp confack 1 mru=1400 auth=c023 magic=01010101',
      '> lcp confreq 1 mru=1500',
      '< lcp confack 1 mru=1500',
      '> pap request 1 #06726f757465720178',
      '! verify pap router',
    );
    router.verdict(
      { message: '' },
      '< pap ack 1 #00',
      '! authenticated router pap aaaa',
      '< ipcp confreq 1 address=10.0.0.1',
    );
    router.run('> ipcp confnak 1 address=10.112.112.1', '< ipcp confreq 2 address=10.0.0.1');
  });
});
