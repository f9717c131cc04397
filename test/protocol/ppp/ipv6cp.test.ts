// IPv6CP (RFC 5072) beside IPCP, on the server and on the client; `01` is the Interface-Identifier.
import { describe, test } from 'node:test';
import type { Ipv6Parameters } from '../../../src/protocol/ppp/credentials.ts';
import { ClientScript, ServerScript } from './script.ts';

const IPV6: Ipv6Parameters = {
  interfaceId: 7n,
  gatewayInterfaceId: 1n,
  prefix: undefined,
  delegated: undefined,
  dns: [],
};
const OURS = '< ipv6cp confreq 1 01=0000000000000001';
const ACCEPTED = '> ipv6cp confack 1 01=0000000000000001';

describe('IPv6CP of the server', () => {
  test('opens beside IPCP and tells of the identifier that the client chose', () => {
    const server = networkEntered({ ipv6: IPV6 }, '< ipcp confreq 1 address=10.0.0.1', OURS);
    server.run(
      '> ipv6cp confreq 1 01=021122fffe334455',
      '< ipv6cp confack 1 01=021122fffe334455',
      ACCEPTED,
      '! networkUp ipv6 client=21122fffe334455 gateway=1 mru=1500',
      '> ipcp confreq 1 address=10.0.0.7',
      '< ipcp confack 1 address=10.0.0.7',
      '> ipcp confack 1 address=10.0.0.1',
      '! networkUp 10.0.0.7 mru=1500',
    );
  });

  test('works alone for a user without IPv4, whose IPCP is rejected', () => {
    const server = networkEntered({ ipv6: IPV6, ipv4: undefined }, OURS);
    server.run(
      '> ipcp confreq 1 address=0.0.0.0',
      '< lcp protrej 2 #80210101000a030600000000',
      '> ipv6cp confreq 1 01=0000000000000000',
      '< ipv6cp confnak 1 01=0000000000000007',
      '> ipv6cp confreq 2 01=0000000000000007',
      '< ipv6cp confack 2 01=0000000000000007',
      ACCEPTED,
      '! networkUp ipv6 client=7 gateway=1 mru=1500',
    );
  });

  test('suggests an identifier to a client that has none, and another one to a client that has ours', () => {
    const server = networkEntered({ ipv6: IPV6, ipv4: undefined }, OURS);
    server.run(
      '> ipv6cp confreq 1',
      '< ipv6cp confnak 1 01=0000000000000007',
      '> ipv6cp confreq 2 01=0000000000000001',
      '< ipv6cp confnak 2 01=0000000000000007',
      '> ipv6cp confreq 3 01=00000001',
      '< ipv6cp confnak 3 01=0000000000000007',
      '> ipv6cp confreq 4 02=004f 01=0000000000000009',
      '< ipv6cp confrej 4 02=004f',
    );
  });

  test('insists on an identifier that was demanded, and gives IPv6 up alone when the client does as well', () => {
    const server = networkEntered(
      { ipv6: { ...IPV6, insistsOnInterfaceId: true } },
      '< ipcp confreq 1 address=10.0.0.1',
      OURS,
    );
    for (let id = 1; id <= 5; id++) {
      server.run(`> ipv6cp confreq ${id} 01=0000000000000009`, `< ipv6cp confnak ${id} 01=0000000000000007`);
    }
    server.run('> ipv6cp confreq 6 01=0000000000000009');
    ipcpOpens(server);
  });

  test('a client that rejects it, or never answers, has IPv4 all the same', () => {
    const rejecting = networkEntered({ ipv6: IPV6 }, '< ipcp confreq 1 address=10.0.0.1', OURS);
    rejecting.run('> lcp protrej 9 #80570101000e010a0000000000000001');
    ipcpOpens(rejecting);

    const silent = networkEntered({ ipv6: IPV6 }, '< ipcp confreq 1 address=10.0.0.1', OURS);
    ipcpOpens(silent);
    for (let sent = 1; sent < 10; sent++) silent.run('+ 3000', OURS);
    silent.run('+ 60000');
  });

  test('IPCP that fails leaves IPv6, and the last one of them ends the link', () => {
    const server = networkEntered({ ipv6: IPV6 }, '< ipcp confreq 1 address=10.0.0.1', OURS);
    server.run(
      '> ipv6cp confreq 1 01=0000000000000009',
      '< ipv6cp confack 1 01=0000000000000009',
      ACCEPTED,
      '! networkUp ipv6 client=9 gateway=1 mru=1500',
      '> lcp protrej 9 #80210101000a03060a000001',
      '> ipv6cp termreq 2',
      '! networkDown ipv6',
      '< ipv6cp termack 2',
      '< lcp termreq 2',
      '> lcp termack 2',
      '! ended no-network-protocol',
    );
  });

  test('IPv6 that closes leaves IPv4', () => {
    const server = networkEntered({ ipv6: IPV6 }, '< ipcp confreq 1 address=10.0.0.1', OURS);
    ipcpOpens(server);
    server.run(
      '> ipv6cp confreq 1 01=0000000000000009',
      '< ipv6cp confack 1 01=0000000000000009',
      ACCEPTED,
      '! networkUp ipv6 client=9 gateway=1 mru=1500',
      '> ipv6cp termreq 2',
      '! networkDown ipv6',
      '< ipv6cp termack 2',
      '> lcp echoreq 1 #7c1f9a20',
      '< lcp echorep 1 #01010101',
    );
  });
});

describe('IPv6CP of the client', () => {
  // Random bytes 02 02 ..., without the bit that would claim them to be unique in the world.
  const FIRST = '< ipv6cp confreq 1 01=0002020202020202';

  test('takes the identifier that the server suggests', () => {
    const client = authenticated();
    client.run(
      '> ipv6cp confnak 1 01=0000000000000007',
      '< ipv6cp confreq 2 01=0000000000000007',
      '> ipv6cp confack 2 01=0000000000000007',
      '> ipv6cp confreq 1 01=0000000000000001',
      '< ipv6cp confack 1 01=0000000000000001',
      '! networkUp ipv6 client=7 gateway=1 mru=1500',
    );
  });

  test('suggests another identifier to a server that has none or the same', () => {
    const client = authenticated();
    client.run(
      '> ipv6cp confreq 1 01=0002020202020202',
      '< ipv6cp confnak 1 01=0103030303030303',
      '> ipv6cp confreq 2 01=0000000000000000',
      '< ipv6cp confnak 2 01=0404040404040404',
    );
  });

  test('comes up with IPv6 alone when the server has no IPv4', () => {
    const client = authenticated();
    client.run(
      '> lcp protrej 9 #8021',
      '> ipv6cp confack 1 01=0002020202020202',
      '> ipv6cp confreq 1 01=0000000000000001',
      '< ipv6cp confack 1 01=0000000000000001',
      '! networkUp ipv6 client=2020202020202 gateway=1 mru=1500',
    );
  });

  function authenticated(): ClientScript {
    return ClientScript.networkEntered(
      { ipv6: true },
      '< ipcp confreq 1 address=0.0.0.0 dns1=0.0.0.0 dns2=0.0.0.0',
      FIRST,
    );
  }
});

function ipcpOpens(server: ServerScript): void {
  server.run(
    '> ipcp confreq 1 address=10.0.0.7',
    '< ipcp confack 1 address=10.0.0.7',
    '> ipcp confack 1 address=10.0.0.1',
    '! networkUp 10.0.0.7 mru=1500',
  );
}

function networkEntered(verdict: Parameters<ServerScript['verdict']>[0], ...requests: string[]): ServerScript {
  const server = new ServerScript({ auth: ['pap'] });
  server.up('< lcp confreq 1 mru=1400 auth=c023 magic=01010101');
  server.run(
    '> lcp confreq 1 magic=7c1f9a20',
    '< lcp confack 1 magic=7c1f9a20',
    '> lcp confack 1 mru=1400 auth=c023 magic=01010101',
    '> pap request 1 #03626f6206736563726574',
    '! verify pap bob',
  );
  server.verdict({ message: '', ...verdict }, '< pap ack 1 #00', '! authenticated bob pap aaaa', ...requests);
  return server;
}
