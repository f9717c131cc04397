// Our client against servers as others have built them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { scriptedExchange } from '../ms-chap-v2-server.ts';
import { ClientScript } from '../script.ts';

/** Server challenge of cc bytes; ours is the client's second request for random bytes. */
const { response, proof, hlakStart } = scriptedExchange(0xcc, 2);
const CHALLENGE = `#10${'cc'.repeat(16)}`;
const ALICE = '616c696365';

describe('Windows RRAS', () => {
  test('EAP, callback, MRRU and endpoint discriminator are refused, MS-CHAPv2 is taken', () => {
    const client = new ClientScript();
    client.up('< lcp confreq 1 mru=1400 magic=01010101');
    client.run(
      '> lcp confreq 0 mru=4091 auth=c227 magic=5ca1ab1e pfc acfc callback=06 mrru=064e endpoint=01aabbccdd',
      '< lcp confrej 0 pfc acfc callback=06 mrru=064e endpoint=01aabbccdd',
      '> lcp confack 1 mru=1400 magic=01010101',
      '> lcp confreq 1 mru=4091 auth=c227 magic=5ca1ab1e',
      '< lcp confnak 1 auth=c22381',
      '> lcp confreq 2 mru=4091 auth=c22381 magic=5ca1ab1e',
      '< lcp confack 2 mru=4091 auth=c22381 magic=5ca1ab1e',
      `> chap challenge 0 ${CHALLENGE}52524153`,
      `< chap response 0 #${response}${ALICE}`,
      `> chap success 0 "${proof} M=Welcome"`,
      `! authenticated ${hlakStart}`,
      '< ipcp confreq 1 address=0.0.0.0 dns1=0.0.0.0 dns2=0.0.0.0',
      '> ccp confreq 4 12=01000001',
      '< lcp protrej 2 #80fd0104000a120601000001',
      '> ipv6cp confreq 5 01=021122fffe334455',
      '< lcp protrej 3 #80570105000e010a021122fffe334455',
      '> ipcp confreq 6 address=192.168.9.1',
      '< ipcp confack 6 address=192.168.9.1',
      '> ipcp confrej 1 dns2=0.0.0.0',
      '< ipcp confreq 2 address=0.0.0.0 dns1=0.0.0.0',
      '> ipcp confnak 2 address=192.168.9.23 dns1=192.168.1.10',
      '< ipcp confreq 3 address=192.168.9.23 dns1=192.168.1.10',
      '> ipcp confack 3 address=192.168.9.23 dns1=192.168.1.10',
      '! networkUp 192.168.9.23 via 192.168.9.1 dns=192.168.1.10 mru=4087',
      '> lcp timeleft 9 #5ca1ab1e00000e10',
    );
  });

  test('a wrong password: its error code and text reach the caller', () => {
    const client = authenticating();
    client.run(
      '> chap failure 0 "E=691 R=1 C=CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC V=3 M=Access denied"',
      '< lcp termreq 2',
      '> lcp termack 2',
      '! ended auth-failed',
    );
    assert.deepEqual(client.machine.authFailure, { code: 691, message: 'Access denied' });
  });

  test('a server that knows no password is not believed', () => {
    const client = authenticating();
    client.run(
      `> chap success 0 "S=${'0'.repeat(40)} M=Welcome"`,
      '< lcp termreq 2',
      '+ 2000',
      '< lcp termreq 3',
      '! ended auth-unverified',
    );
  });

  test('a Success without any S= is not believed either', () => {
    const client = authenticating();
    client.run('> chap success 0 "Welcome"', '< lcp termreq 2', '> lcp termack 2', '! ended auth-unverified');
  });
});

describe('SoftEther', () => {
  test('speaks second, rejects all but MRU and authentication, then waits for the request without them', () => {
    const client = new ClientScript();
    client.up('< lcp confreq 1 mru=1400 magic=01010101');
    client.run(
      '> lcp confrej 1 magic=01010101',
      '< lcp confreq 2 mru=1400',
      '> lcp confack 2 mru=1400',
      '> lcp confreq 0 mru=1500 auth=c227',
      '< lcp confnak 0 auth=c22381',
      '> lcp confreq 1 mru=1500 auth=c22381',
      '< lcp confack 1 mru=1500 auth=c22381',
      `> chap challenge 0 ${CHALLENGE}`,
      `< chap response 0 #${response}${ALICE}`,
      // No M=, no space.
      `> chap success 0 "${proof}"`,
      `! authenticated ${hlakStart}`,
      '< ipcp confreq 1 address=0.0.0.0 dns1=0.0.0.0 dns2=0.0.0.0',
    );
  });

  test('an MRU that it rejects as well leaves an empty request', () => {
    const client = new ClientScript();
    client.up('< lcp confreq 1 mru=1400 magic=01010101');
    client.run('> lcp confrej 1 mru=1400 magic=01010101', '< lcp confreq 2', '> lcp confack 2');
  });

  test('its Acknowledgement of IPCP may come long after its own request', () => {
    const client = authenticating();
    client.run(
      `> chap success 0 "${proof}"`,
      `! authenticated ${hlakStart}`,
      '< ipcp confreq 1 address=0.0.0.0 dns1=0.0.0.0 dns2=0.0.0.0',
      '> ipcp confreq 1 address=192.0.0.8',
      '< ipcp confack 1 address=192.0.0.8',
      '+ 3000',
      '< ipcp confreq 1 address=0.0.0.0 dns1=0.0.0.0 dns2=0.0.0.0',
      '> ipcp confnak 1 address=192.168.30.10 dns1=192.168.30.1 dns2=192.168.30.2',
      '< ipcp confreq 2 address=192.168.30.10 dns1=192.168.30.1 dns2=192.168.30.2',
      '> ipcp confack 2 address=192.168.30.10 dns1=192.168.30.1 dns2=192.168.30.2',
      '! networkUp 192.168.30.10 via 192.0.0.8 dns=192.168.30.1,192.168.30.2 mru=1500',
    );
  });
});

describe('accel-ppp', () => {
  test('a failure without C= is understood', () => {
    const client = authenticating();
    client.run(
      '> chap failure 0 "E=691 R=0 V=3 M=Authentication failure"',
      '< lcp termreq 2',
      '> lcp termreq 9',
      '< lcp termack 9',
      '> lcp termack 2',
      '! ended auth-failed',
    );
    assert.deepEqual(client.machine.authFailure, { code: 691, message: 'Authentication failure' });
  });

  test('an MRU that it Naks down is taken', () => {
    const client = new ClientScript();
    client.up('< lcp confreq 1 mru=1400 magic=01010101');
    client.run('> lcp confnak 1 mru=1300', '< lcp confreq 2 mru=1300 magic=01010101');
  });

  test('it may repeat its challenge before it has seen the response', () => {
    const client = authenticating();
    client.run(`> chap challenge 0 ${CHALLENGE}6163`, `< chap response 0 #${response}${ALICE}`);
  });
});

describe('MikroTik', () => {
  test('a PAP Ack of Length 4 with text behind it is an Ack, and an IPCP with nothing but addresses is enough', () => {
    const client = new ClientScript({ auth: ['pap'] });
    client.up('< lcp confreq 1 mru=1400 magic=01010101');
    client.run(
      '> lcp confreq 1 mru=1500 auth=c023 magic=0badcafe',
      '< lcp confack 1 mru=1500 auth=c023 magic=0badcafe',
      '> lcp confack 1 mru=1400 magic=01010101',
      '< pap request 1 #05616c69636506736563726574',
    );
    client.receive({
      protocol: 0xc023,
      information: Uint8Array.of(2, 1, 0, 4, 8, ...new TextEncoder().encode('Login ok')),
    });
    client.run(
      '! authenticated 0000',
      '< ipcp confreq 1 address=0.0.0.0 dns1=0.0.0.0 dns2=0.0.0.0',
      '> ipv6cp confreq 1 01=0000000000000001',
      '< lcp protrej 2 #80570101000e010a0000000000000001',
      '> ipcp confreq 1 address=10.112.112.1',
      '< ipcp confack 1 address=10.112.112.1',
      '> ipcp confrej 1 dns1=0.0.0.0 dns2=0.0.0.0',
      '< ipcp confreq 2 address=0.0.0.0',
      '> ipcp confnak 2 address=10.112.112.9',
      '< ipcp confreq 3 address=10.112.112.9',
      '> ipcp confack 3 address=10.112.112.9',
      '! networkUp 10.112.112.9 via 10.112.112.1 dns= mru=1500',
    );
  });

  test('header compression that it asks for is rejected', () => {
    const client = authenticating();
    client.run(
      `> chap success 0 "${proof} M="`,
      `! authenticated ${hlakStart}`,
      '< ipcp confreq 1 address=0.0.0.0 dns1=0.0.0.0 dns2=0.0.0.0',
      '> ipcp confreq 1 vj=002d0f01 address=10.112.112.1',
      '< ipcp confrej 1 vj=002d0f01',
    );
  });
});

describe('a server without manners', () => {
  test('one that demands no authentication is asked to, and left when it does not', () => {
    const client = new ClientScript();
    client.up('< lcp confreq 1 mru=1400 magic=01010101');
    for (let id = 1; id <= 5; id++) client.run(`> lcp confreq ${id} mru=1500`, `< lcp confnak ${id} auth=c22381`);
    client.run('> lcp confreq 6 mru=1500', '< lcp termreq 2', '> lcp termack 2', '! ended auth-refused');
  });

  test('one that has no address to give is left', () => {
    const client = authenticating();
    client.run(
      `> chap success 0 "${proof}"`,
      `! authenticated ${hlakStart}`,
      '< ipcp confreq 1 address=0.0.0.0 dns1=0.0.0.0 dns2=0.0.0.0',
      '> ipcp confack 1 address=0.0.0.0 dns1=0.0.0.0 dns2=0.0.0.0',
      '< lcp termreq 2',
      '> lcp termack 2',
      '! ended ipcp-failed',
    );
  });

  test('one that rejects IPCP is left', () => {
    const client = authenticating();
    client.run(
      `> chap success 0 "${proof}"`,
      `! authenticated ${hlakStart}`,
      '< ipcp confreq 1 address=0.0.0.0 dns1=0.0.0.0 dns2=0.0.0.0',
      '> lcp protrej 3 #80210101000a030600000000',
      '< lcp termreq 2',
      '> lcp termack 2',
      '! ended no-network-protocol',
    );
  });

  test('one that negotiates LCP again after the success is left', () => {
    const client = authenticating();
    client.run(
      `> chap success 0 "${proof}"`,
      `! authenticated ${hlakStart}`,
      '< ipcp confreq 1 address=0.0.0.0 dns1=0.0.0.0 dns2=0.0.0.0',
      '> lcp confreq 8 mru=1500 auth=c22381',
      '< lcp confreq 2 mru=1400 magic=01010101',
      '< lcp confack 8 mru=1500 auth=c22381',
      '< lcp termreq 3',
      '> lcp termack 3',
      '! ended lcp-renegotiated',
    );
  });
});

function authenticating(): ClientScript {
  const client = new ClientScript();
  client.up('< lcp confreq 1 mru=1400 magic=01010101');
  client.run(
    '> lcp confack 1 mru=1400 magic=01010101',
    '> lcp confreq 1 mru=1500 auth=c22381',
    '< lcp confack 1 mru=1500 auth=c22381',
    `> chap challenge 0 ${CHALLENGE}6163`,
    `< chap response 0 #${response}${ALICE}`,
  );
  return client;
}
