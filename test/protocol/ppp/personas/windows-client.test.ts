// Windows 10 and 11 as a client, by the reports that PROTOCOL documents: LCP with compression and callback, the first
// Configure-Request of the server ignored, Identification, IPv6CP and CCP before IPCP, four name servers asked for.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { asHex, typeData } from '../eap-exchange.ts';
import { ServerScript } from '../script.ts';

const RESPONSE = `chap response 3 #31${'55'.repeat(16)}${'00'.repeat(8)}${'77'.repeat(24)}00616c696365`;

const IDENTIFICATION = [
  '> lcp identification 2 #5d2a1b3c4d5352415356352e3230',
  '> lcp identification 3 #5d2a1b3c4d535241532d302d484f5354',
  '> lcp identification 4 #5d2a1b3c46ff9c3d117e004a8b21d4c1e5f0a2b3',
];

describe('Windows client', () => {
  test('connects although it ignores the first Configure-Request, and loses less than a second by it', () => {
    const windows = new ServerScript();
    windows.up('< lcp confreq 1 mru=1400 auth=c22381 magic=01010101');
    windows.run(
      '> lcp confreq 0 mru=4091 magic=5d2a1b3c pfc acfc callback=06',
      '< lcp confrej 0 pfc acfc callback=06',
      '> lcp confreq 1 mru=4091 magic=5d2a1b3c',
      '< lcp confack 1 mru=4091 magic=5d2a1b3c',
      '+ 750',
      '< lcp confreq 1 mru=1400 auth=c22381 magic=01010101',
      '> lcp confack 1 mru=1400 auth=c22381 magic=01010101',
      `< chap challenge 3 #10${'02'.repeat(16)}6777`,
    );
    networkPhase(windows);
  });

  test('the multilink variant is talked out of MRRU and the endpoint discriminator too', () => {
    const windows = new ServerScript();
    windows.up('< lcp confreq 1 mru=1400 auth=c22381 magic=01010101');
    windows.run(
      '> lcp confreq 0 mru=4091 magic=5d2a1b3c pfc acfc callback=06 mrru=064e endpoint=01aabbccdd',
      '< lcp confrej 0 pfc acfc callback=06 mrru=064e endpoint=01aabbccdd',
      '> lcp confreq 1 mru=4091 magic=5d2a1b3c',
      '< lcp confack 1 mru=4091 magic=5d2a1b3c',
    );
  });

  test('a server that offers MS-CHAPv2 last is talked into it', () => {
    const windows = new ServerScript({ auth: ['pap', 'chap', 'mschapv2'] });
    windows.up('< lcp confreq 1 mru=1400 auth=c023 magic=01010101');
    windows.run(
      '> lcp confnak 1 auth=c22381',
      '< lcp confreq 2 mru=1400 auth=c22381 magic=01010101',
      '> lcp confack 2 mru=1400 auth=c22381 magic=01010101',
    );
  });

  test('one that insists on EAP gets the next method, and the call ends when there is none left', () => {
    const windows = new ServerScript({ auth: ['mschapv2', 'pap'] });
    windows.up('< lcp confreq 1 mru=1400 auth=c22381 magic=01010101');
    windows.run(
      '> lcp confnak 1 auth=c227',
      '< lcp confreq 2 mru=1400 auth=c023 magic=01010101',
      '> lcp confnak 2 auth=c227',
      '< lcp termreq 3',
      '> lcp termack 3',
      '! ended auth-refused',
    );
  });

  test('one whose profile says EAP gets it where it is allowed, and proves itself by EAP-MSCHAPv2', () => {
    const windows = new ServerScript({ auth: ['mschapv2', 'eap'] });
    windows.up('< lcp confreq 1 mru=1400 auth=c22381 magic=01010101');
    windows.run(
      '> lcp confreq 1 mru=4091 magic=5d2a1b3c',
      '< lcp confack 1 mru=4091 magic=5d2a1b3c',
      '> lcp confnak 1 auth=c227',
      '< lcp confreq 2 mru=1400 auth=c227 magic=01010101',
      '> lcp confack 2 mru=1400 auth=c227 magic=01010101',
      '< eap request 3 #01',
      ...IDENTIFICATION,
      `> eap response 3 #01${asHex('CORP\\alice')}`,
      `< eap request 4 #${typeData(1, 4, `10${'03'.repeat(16)}6777`)}`,
      `> eap response 4 #${typeData(2, 4, `31${'55'.repeat(16)}${'00'.repeat(8)}${'77'.repeat(24)}00${asHex('CORP\\alice')}`)}`,
      '! verify mschapv2 CORP\\alice',
    );
    const proof = `S=${'0A'.repeat(20)} M=Welcome`;
    windows.verdict({ message: proof }, `< eap request 5 #${typeData(3, 4, asHex(proof))}`);
    windows.run(
      '> eap response 5 #1a03',
      '< eap success 5',
      '! authenticated CORP\\alice eap aaaa',
      '< ipcp confreq 1 address=10.0.0.1',
    );
  });

  test('one that chooses by itself takes EAP, wants PEAP, and comes in by MS-CHAPv2 all the same', () => {
    const windows = new ServerScript({ auth: ['eap', 'mschapv2'] });
    windows.up('< lcp confreq 1 mru=1400 auth=c227 magic=01010101');
    windows.run(
      '> lcp confreq 1 mru=4091 magic=5d2a1b3c',
      '< lcp confack 1 mru=4091 magic=5d2a1b3c',
      '> lcp confack 1 mru=1400 auth=c227 magic=01010101',
      '< eap request 3 #01',
      `> eap response 3 #01${asHex('alice')}`,
      `< eap request 4 #${typeData(1, 4, `10${'03'.repeat(16)}6777`)}`,
      '> eap response 4 #0319',
      '< lcp confreq 2 mru=1400 auth=c22381 magic=01010101',
      '> lcp confreq 2 mru=4091 magic=5d2a1b3c pfc acfc',
      '< lcp confrej 2 pfc acfc',
      '> lcp confack 2 mru=1400 auth=c22381 magic=01010101',
      '> lcp confreq 3 mru=4091 magic=5d2a1b3c',
      '< lcp confack 3 mru=4091 magic=5d2a1b3c',
      `< chap challenge 6 #10${'05'.repeat(16)}6777`,
      RESPONSE.replace('chap response 3', '> chap response 6'),
      '! verify mschapv2 alice',
    );
    windows.verdict(
      {},
      '< chap success 6 "welcome"',
      '! authenticated alice mschapv2 aaaa',
      '< ipcp confreq 1 address=10.0.0.1',
    );
  });

  test('a wrong password is told with error 691 before the link goes down', () => {
    const windows = authenticating();
    windows.run(`> ${RESPONSE}`, '! verify mschapv2 alice');
    windows.verdict(
      { kind: 'rejected' },
      `< chap failure 3 "E=691 R=0 C=${'04'.repeat(16)} V=3 M=Authentication failed"`,
      '! authenticationFailed alice mschapv2',
      '< lcp termreq 2',
    );
    windows.run('> lcp termack 2', '! ended auth-failed');
  });

  test('its Identification texts are kept, without what is no text, and without end', () => {
    const windows = authenticating();
    windows.run(...IDENTIFICATION);
    assert.deepEqual(windows.machine.identification, ['MSRASV5.20', 'MSRAS-0-HOST']);
    windows.run(...IDENTIFICATION, `> lcp identification 6 #5d2a1b3c${asHex('x'.repeat(1000))}`);
    for (let id = 10; id < 30; id += 1) windows.run(`> lcp identification ${id} #5d2a1b3c${asHex(`text ${id}`)}`);
    windows.run('> lcp identification 7 #5d2a1b', '> lcp identification 8 #5d2a1b3c');
    assert.deepEqual(windows.machine.identification, ['MSRASV5.20', 'MSRAS-0-HOST', 'x'.repeat(64), 'text 10']);
  });

  test('its Identification packets are never answered, in any phase', () => {
    const windows = new ServerScript();
    windows.up('< lcp confreq 1 mru=1400 auth=c22381 magic=01010101');
    windows.run(
      '> lcp identification 2 #5d2a1b3c4d53524153563520',
      '> lcp confreq 0 mru=4091 magic=5d2a1b3c',
      '< lcp confack 0 mru=4091 magic=5d2a1b3c',
      '> lcp confack 1 mru=1400 auth=c22381 magic=01010101',
      `< chap challenge 3 #10${'02'.repeat(16)}6777`,
      '> lcp identification 3 #5d2a1b3c4d535241532d302d484f5354',
      '> lcp timeleft 4 #5d2a1b3c0000003c',
    );
  });
});

function authenticating(): ServerScript {
  const windows = new ServerScript();
  windows.up('< lcp confreq 1 mru=1400 auth=c22381 magic=01010101');
  windows.run(
    '> lcp confreq 0 mru=4091 magic=5d2a1b3c',
    '< lcp confack 0 mru=4091 magic=5d2a1b3c',
    '> lcp confack 1 mru=1400 auth=c22381 magic=01010101',
    `< chap challenge 3 #10${'02'.repeat(16)}6777`,
  );
  return windows;
}

function networkPhase(windows: ServerScript): void {
  windows.run(
    '> lcp identification 2 #5d2a1b3c4d53524153563520',
    '> lcp identification 3 #5d2a1b3c4d535241532d302d484f5354',
    `> ${RESPONSE}`,
    '! verify mschapv2 alice',
  );
  windows.verdict(
    { message: `S=${'0A'.repeat(20)} M=Welcome` },
    `< chap success 3 "S=${'0A'.repeat(20)} M=Welcome"`,
    '! authenticated alice mschapv2 aaaa',
    '< ipcp confreq 1 address=10.0.0.1',
  );
  windows.run(
    '> ipv6cp confreq 4 01=021122fffe334455',
    '< lcp protrej 2 #80570104000e010a021122fffe334455',
    '> ccp confreq 5 12=01000001',
    '< lcp protrej 3 #80fd0105000a120601000001',
    '> ipcp confreq 6 address=0.0.0.0 dns1=0.0.0.0 nbns1=0.0.0.0 dns2=0.0.0.0 nbns2=0.0.0.0',
    '< ipcp confrej 6 nbns1=0.0.0.0 dns2=0.0.0.0 nbns2=0.0.0.0',
    '> ipcp confack 1 address=10.0.0.1',
    '> ipcp confreq 7 address=0.0.0.0 dns1=0.0.0.0',
    '< ipcp confnak 7 address=10.0.0.7 dns1=10.0.0.1',
    '> ipcp confreq 8 address=10.0.0.7 dns1=10.0.0.1',
    '< ipcp confack 8 address=10.0.0.7 dns1=10.0.0.1',
    '! networkUp 10.0.0.7 mru=4087',
    // The user disconnects.
    '> lcp termreq 9 #5d2a1b3c003ccd7400000000',
    '! networkDown',
    '< lcp termack 9',
    '+ 1000',
    '! ended peer-terminate',
  );
}
