// Open SSTP Client (Android): MRU as its only LCP option, no magic number, Naks an MRU below its own MTU, drops IPCP frames
// that come before its own IPCP runs, takes any Protocol-Reject or Code-Reject as the end: the scripts pin down that none goes
// out unless it asked for IPv6.
import { describe, test } from 'node:test';
import type { Ipv6Parameters } from '../../../../src/protocol/ppp/credentials.ts';
import { ServerScript } from '../script.ts';

describe('Open SSTP Client', () => {
  test('connects: magic number given up, MRU raised to its MTU, IPCP retransmitted', () => {
    const phone = authenticating();
    // Our IPCP request is lost: its IPCP does not run yet.
    networkEntered(phone);
    phone.run(
      '> ipcp confreq 1 address=0.0.0.0 dns1=0.0.0.0',
      '< ipcp confnak 1 address=10.0.0.7 dns1=10.0.0.1',
      '> ipcp confreq 2 address=10.0.0.7 dns1=10.0.0.1',
      '< ipcp confack 2 address=10.0.0.7 dns1=10.0.0.1',
      '+ 3000',
      '< ipcp confreq 1 address=10.0.0.1',
      '> ipcp confack 1 address=10.0.0.1',
      '! networkUp 10.0.0.7 mru=1500',
    );
  });

  test('its echo is answered with magic number 0 and the same data', () => {
    const phone = authenticating();
    const text = Buffer.from('Abura Mashi Mashi').toString('hex');
    phone.run(`> lcp echoreq 7 #00000000${text}`, `< lcp echorep 7 #00000000${text}`);
  });

  test('IPv6 beside IPv4, when its user wants that and may have it', () => {
    const phone = authenticating();
    networkEntered(phone, IPV6);
    phone.run(
      '> ipv6cp confreq 1 01=0000000000000000',
      '< ipv6cp confnak 1 01=0000000000000007',
      '> ipv6cp confack 1 01=0000000000000001',
      '> ipv6cp confreq 2 01=0000000000000007',
      '< ipv6cp confack 2 01=0000000000000007',
      '! networkUp ipv6 client=7 gateway=1 mru=1500',
    );
  });

  test('IPv6CP, sent only when the user wants IPv6, is Protocol-Rejected as RFC 1661 demands', () => {
    const phone = authenticating();
    networkEntered(phone);
    phone.run('> ipv6cp confreq 1 01=0000000000000001', '< lcp protrej 4 #80570101000e010a0000000000000001');
  });
});

function authenticating(): ServerScript {
  const phone = new ServerScript();
  phone.up('< lcp confreq 1 mru=1400 auth=c22381 magic=01010101');
  phone.run(
    '> lcp confreq 1 mru=1500',
    '< lcp confack 1 mru=1500',
    '> lcp confrej 1 magic=01010101',
    '< lcp confreq 2 mru=1400 auth=c22381',
    '> lcp confnak 2 mru=1500',
    '< lcp confreq 3 mru=1500 auth=c22381',
    '> lcp confack 3 mru=1500 auth=c22381',
    `< chap challenge 3 #10${'02'.repeat(16)}6777`,
  );
  return phone;
}

const IPV6: Ipv6Parameters = {
  interfaceId: 7n,
  gatewayInterfaceId: 1n,
  prefix: undefined,
  delegated: undefined,
  dns: [],
};

function networkEntered(phone: ServerScript, ipv6?: Ipv6Parameters): void {
  phone.run(
    `> chap response 3 #31${'55'.repeat(16)}${'00'.repeat(8)}${'77'.repeat(24)}00616c696365`,
    '! verify mschapv2 alice',
  );
  phone.verdict(
    { message: 'S=0 M=Welcome', ipv6 },
    '< chap success 3 "S=0 M=Welcome"',
    '! authenticated alice mschapv2 aaaa',
    '< ipcp confreq 1 address=10.0.0.1',
    ...(ipv6 === undefined ? [] : ['< ipv6cp confreq 1 01=0000000000000001']),
  );
}
