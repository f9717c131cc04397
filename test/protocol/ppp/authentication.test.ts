import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AuthMethod } from '../../../src/protocol/ppp/credentials.ts';
import { parseFrame } from './frame-text.ts';
import { scriptedExchange } from './ms-chap-v2-server.ts';
import { ClientScript, ServerScript } from './script.ts';

const AUTH_HEX: Readonly<Record<AuthMethod, string>> = { pap: 'c023', chap: 'c22305', mschapv2: 'c22381', eap: 'c227' };
const CHALLENGE = `chap challenge 3 #10${'02'.repeat(16)}6777`;
const NT = '77'.repeat(24);
const RESPONSE = `chap response 3 #31${'55'.repeat(16)}${'00'.repeat(8)}${NT}00616c696365`;
const IPCP = '< ipcp confreq 1 address=10.0.0.1';

describe('PAP authenticator', () => {
  test('a repeated request during verification is not verified twice, and the answer goes to the last one', () => {
    const server = serverDoing('pap');
    server.run('> pap request 1 #03626f620178', '! verify pap bob', '> pap request 2 #03626f620178');
    server.verdict({}, '< pap ack 2 #0777656c636f6d65', '! authenticated bob pap aaaa', IPCP);
    assert.deepEqual(server.asked, [{ kind: 'pap', user: 'bob', password: 'x' }]);
  });

  test('a repeated request after the verdict gets the same answer', () => {
    const server = serverDoing('pap');
    server.run('> pap request 1 #03626f620178', '! verify pap bob');
    server.verdict({ message: '' }, '< pap ack 1 #00', '! authenticated bob pap aaaa', IPCP);
    server.run('> pap request 2 #03626f620178', '< pap ack 2 #00');
  });

  test('a refusal is a Nak with a text, and then the link goes down', () => {
    const server = serverDoing('pap');
    server.run('> pap request 1 #03626f620178', '! verify pap bob');
    server.verdict(
      { kind: 'rejected', message: 'no' },
      '< pap nak 1 #026e6f',
      '! authenticationFailed bob pap',
      '< lcp termreq 2',
    );
  });

  test('malformed requests and other codes are ignored', () => {
    serverDoing('pap').run('> pap request 1 #09626f62', '> pap request 1', '> pap ack 1 #00', '> pap nak 1 #00');
  });
});

describe('CHAP authenticator', () => {
  test('the challenge is repeated every three seconds, unchanged, until there is a response', () => {
    const server = serverDoing('mschapv2');
    server.run('+ 3000', `< ${CHALLENGE}`, '+ 3000', `< ${CHALLENGE}`);
    server.run(`> ${RESPONSE}`, '! verify mschapv2 alice', '+ 20000');
  });

  test('nobody answers: the link ends when the authentication time is over', () => {
    const server = serverDoing('mschapv2');
    server.pass(60_000);
    const lines = server.take();
    assert.equal(lines.filter(line => line === `< ${CHALLENGE}`).length, 19);
    assert.equal(lines.at(-1), '< lcp termreq 2');
    server.run('> lcp termack 2', '! ended auth-timeout');
  });

  test('a verdict after that time, and a second verdict, are ignored', () => {
    const late = serverDoing('mschapv2');
    late.run(`> ${RESPONSE}`, '! verify mschapv2 alice', '+ 60000', '< lcp termreq 2');
    late.verdict({});
    const twice = serverDoing('mschapv2');
    twice.run(`> ${RESPONSE}`, '! verify mschapv2 alice');
    twice.verdict({}, '< chap success 3 "welcome"', '! authenticated alice mschapv2 aaaa', IPCP);
    twice.verdict({ kind: 'rejected' });
  });

  test('a verdict without a question is ignored', () => {
    serverDoing('mschapv2').verdict({});
  });

  test('a repeated response is not verified twice, and gets the same result again, also in the network phase', () => {
    const server = serverDoing('mschapv2');
    server.run(`> ${RESPONSE}`, '! verify mschapv2 alice', `> ${RESPONSE}`);
    server.verdict({}, '< chap success 3 "welcome"', '! authenticated alice mschapv2 aaaa', IPCP);
    server.run(`> ${RESPONSE}`, '< chap success 3 "welcome"');
  });

  test('responses to another challenge, of another size, and other codes are ignored', () => {
    serverDoing('mschapv2').run(
      `> chap response 4 #31${'55'.repeat(49)}616c696365`,
      `> chap response 3 #10${'55'.repeat(16)}616c696365`,
      `> chap response 3 #31${'55'.repeat(48)}`,
      '> chap response 3 #00616c696365',
      '> chap response 3',
      '> chap success 3 "S="',
      `> ${CHALLENGE}`,
      '> chap 7 3 #00',
    );
    serverDoing('chap').run(`> chap response 3 #31${'55'.repeat(49)}616c696365`);
  });

  test('the owner is asked with the exact bytes of the exchange', () => {
    const server = serverDoing('mschapv2');
    server.run(`> ${RESPONSE}`, '! verify mschapv2 alice');
    assert.deepEqual(server.asked, [
      {
        kind: 'mschapv2',
        user: 'alice',
        id: 3,
        authenticatorChallenge: new Uint8Array(16).fill(2),
        peerChallenge: new Uint8Array(16).fill(0x55),
        ntResponse: new Uint8Array(24).fill(0x77),
      },
    ]);
    const md5 = serverDoing('chap');
    md5.run(`> chap response 3 #10${'99'.repeat(16)}626f62`, '! verify chap bob');
    assert.deepEqual(md5.asked, [
      {
        kind: 'chap',
        user: 'bob',
        id: 3,
        challenge: new Uint8Array(16).fill(2),
        response: new Uint8Array(16).fill(0x99),
      },
    ]);
  });

  test('a refusal of MS-CHAPv2 has the code of the verdict, forbids a second try and has all fields Windows reads', () => {
    const server = serverDoing('mschapv2');
    server.run(`> ${RESPONSE}`, '! verify mschapv2 alice');
    server.verdict(
      { kind: 'rejected', code: 647, message: 'Account disabled' },
      `< chap failure 3 "E=647 R=0 C=${'04'.repeat(16)} V=3 M=Account disabled"`,
      '! authenticationFailed alice mschapv2',
      '< lcp termreq 2',
    );
  });

  test('a refusal of CHAP with MD5 is plain text', () => {
    const server = serverDoing('chap');
    server.run(`> chap response 3 #10${'99'.repeat(16)}626f62`, '! verify chap bob');
    server.verdict(
      { kind: 'rejected', message: 'no' },
      '< chap failure 3 "no"',
      '! authenticationFailed bob chap',
      '< lcp termreq 2',
    );
  });
});

describe('PAP peer', () => {
  test('repeats its request, each time with a new identifier, and an answer to any of them counts', () => {
    const client = clientDoing('pap');
    client.run('< pap request 1 #05616c69636506736563726574');
    client.run('+ 3000', '< pap request 2 #05616c69636506736563726574');
    client.run('> pap ack 9 #00', '> pap ack 0 #00');
    client.run('> pap ack 1 #00', '! authenticated 0000', CLIENT_IPCP);
  });

  test('a Nak ends the link, with its text kept', () => {
    const client = clientDoing('pap');
    client.run('< pap request 1 #05616c69636506736563726574');
    client.run('> pap nak 1 #026e6f', '< lcp termreq 2', '> lcp termack 2', '! ended auth-failed');
    assert.deepEqual(client.machine.authFailure, { code: undefined, message: 'no' });
  });

  test('a server that never answers is left when the authentication time is over', () => {
    const client = clientDoing('pap');
    client.pass(60_000);
    assert.equal(client.take().at(-1), '< lcp termreq 2');
    client.run('> lcp termack 2', '! ended auth-timeout');
  });

  test('a second Ack, and a Nak behind it, are ignored', () => {
    const client = clientDoing('pap');
    client.take();
    client.run('> pap ack 1 #00', '! authenticated 0000', CLIENT_IPCP, '> pap ack 1 #00', '> pap nak 1 #00');
  });
});

describe('CHAP peer', () => {
  const { response, proof, hlakStart } = scriptedExchange(0xcc, 2);
  const challenge = `chap challenge 5 #10${'cc'.repeat(16)}`;
  const answer = `chap response 5 #${response}616c696365`;

  test('the response is repeated until there is a result', () => {
    const client = clientDoing('mschapv2');
    client.run(`> ${challenge}`, `< ${answer}`, '+ 3000', `< ${answer}`);
    client.run(`> chap success 5 "${proof} M=Welcome"`, `! authenticated ${hlakStart}`, CLIENT_IPCP);
    assert.equal(client.machine.phase, 'network');
  });

  test('a result for another identifier is ignored, as is one before any challenge', () => {
    const client = clientDoing('mschapv2');
    client.run(`> chap success 5 "${proof}"`, '> chap failure 5 "E=691"');
    client.run(`> ${challenge}`, `< ${answer}`, `> chap success 6 "${proof}"`, '> chap failure 4 "E=691"');
  });

  test('a challenge that is none of this method is ignored', () => {
    clientDoing('mschapv2').run(
      '> chap challenge 5 #08cccccccccccccccc',
      '> chap challenge 5',
      '> chap challenge 5 #00',
    );
  });

  test('a domain goes out with the name but not into the hash', () => {
    const client = clientDoing('mschapv2', 'CORP\\alice');
    client.run(`> ${challenge}`, `< chap response 5 #${response}434f52505c616c696365`);
    client.run(`> chap success 5 "${proof}"`, `! authenticated ${hlakStart}`, CLIENT_IPCP);
  });

  test('a new challenge in the network phase is answered, and the key stays', () => {
    const client = clientDoing('chap');
    client.run(
      `> chap challenge 1 #08${'cc'.repeat(8)}`,
      // MD5 of 01, "secret" and the challenge.
      '< chap response 1 #102f6a4020b299f47dc5b2a61cc71cb632616c696365',
      '> chap success 1 "hi"',
      '! authenticated 0000',
      CLIENT_IPCP,
    );
    client.receive({ protocol: 0xc223, information: Uint8Array.of(1, 2, 0, 9, 4, 1, 2, 3, 4) });
    assert.match(client.take().join(), /^< chap response 2 #10/);
    client.run('> chap success 2 "hi again"');
    assert.equal(client.machine.phase, 'network');
  });

  test('silence after the response ends the link', () => {
    const client = clientDoing('mschapv2');
    client.run(`> ${challenge}`, `< ${answer}`);
    client.pass(60_000);
    assert.equal(client.take().at(-1), '< lcp termreq 2');
    client.run('> lcp termack 2', '! ended auth-timeout');
  });
});

const CLIENT_IPCP = '< ipcp confreq 1 address=0.0.0.0 dns1=0.0.0.0 dns2=0.0.0.0';

function serverDoing(method: AuthMethod): ServerScript {
  const server = new ServerScript({ auth: [method] });
  server.up(`< lcp confreq 1 mru=1400 auth=${AUTH_HEX[method]} magic=01010101`);
  server.run(
    `> lcp confack 1 mru=1400 auth=${AUTH_HEX[method]} magic=01010101`,
    '> lcp confreq 1',
    '< lcp confack 1',
    ...(method === 'pap' ? [] : [`< ${CHALLENGE}`]),
  );
  return server;
}

/** PAP speaks at once, so that what it sends is the first line of the test. */
function clientDoing(method: AuthMethod, user = 'alice'): ClientScript {
  const client = new ClientScript({ user });
  client.up('< lcp confreq 1 mru=1400 magic=01010101');
  client.run(`> lcp confreq 1 auth=${AUTH_HEX[method]}`, `< lcp confack 1 auth=${AUTH_HEX[method]}`);
  client.receive(parseFrame('lcp confack 1 mru=1400 magic=01010101'));
  return client;
}
