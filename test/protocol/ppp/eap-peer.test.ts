// The client's side of EAP against a server that is written down. Its second request for random bytes, 02.., is its challenge.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { asHex, typeData } from './eap-exchange.ts';
import { scriptedExchange } from './ms-chap-v2-server.ts';
import { ClientScript } from './script.ts';

const { response, proof, hlakStart } = scriptedExchange(0xcc, 2);
const IDENTITY = `eap response 1 #01${asHex('alice')}`;
const CHALLENGE = `eap request 2 #${typeData(1, 2, `10${'cc'.repeat(16)}${asHex('RRAS')}`)}`;
const RESPONSE = `eap response 2 #${typeData(2, 2, `${response}${asHex('alice')}`)}`;
const SUCCESS = `eap request 3 #${typeData(3, 2, asHex(`${proof} M=Welcome`))}`;
const ACKNOWLEDGED = 'eap response 3 #1a03';
const IPCP = '< ipcp confreq 1 address=0.0.0.0 dns1=0.0.0.0 dns2=0.0.0.0';

describe('EAP peer', () => {
  test('proves who it is, checks the proof of the server, and waits for the Success', () => {
    const client = challenged();
    client.run(`> ${SUCCESS}`, `< ${ACKNOWLEDGED}`);
    assert.equal(client.machine.phase, 'authenticate');
    client.run('> eap success 3', `! authenticated ${hlakStart}`, IPCP);
  });

  test('a Success that never comes is not waited for once the server has proved itself', () => {
    const client = challenged();
    client.run(`> ${SUCCESS}`, `< ${ACKNOWLEDGED}`, '+ 2000', `> ${SUCCESS}`, `< ${ACKNOWLEDGED}`, '+ 2999');
    client.run('+ 1', `! authenticated ${hlakStart}`, IPCP);
    client.run(`> ${SUCCESS}`, `< ${ACKNOWLEDGED}`, '> eap success 3', '> eap failure 3');
  });

  test('a Success without a proof, at any earlier moment, is not believed', () => {
    const told = ['< lcp termreq 2', '> lcp termack 2', '! ended auth-unverified'];
    started().run('> eap success 0', ...told);
    identified().run('> eap success 1', ...told);
    challenged().run('> eap success 2', ...told);
  });

  test('a proof that is wrong, or that answers no challenge, ends the link unconfirmed', () => {
    const told = ['< lcp termreq 2', '> lcp termack 2', '! ended auth-unverified'];
    const wrong = typeData(3, 2, asHex(`S=${'0'.repeat(40)} M=Welcome`));
    challenged().run(`> eap request 3 #${wrong}`, ...told);
    identified().run(`> eap request 3 #${typeData(3, 2, asHex(proof))}`, ...told);
    challenged().run(`> eap request 3 #${typeData(3, 2, '')}`, ...told);
  });

  test('a refusal is confirmed, and its code and text reach the caller', () => {
    const client = challenged();
    const text = `E=691 R=1 C=${'CC'.repeat(16)} V=3 M=Access denied`;
    client.run(
      `> eap request 3 #${typeData(4, 2, asHex(text))}`,
      '< eap response 3 #1a04',
      '< lcp termreq 2',
      '> eap failure 3',
      '> lcp termack 2',
      '! ended auth-failed',
    );
    assert.deepEqual(client.machine.authFailure, { code: 691, message: 'Access denied' });
  });

  test('a Failure is a refusal; before any challenge of ours it means that no type was found', () => {
    challenged().run('> eap failure 2', '< lcp termreq 2', '> lcp termack 2', '! ended auth-failed');
    identified().run('> eap failure 1', '< lcp termreq 2', '> lcp termack 2', '! ended auth-refused');
  });

  test('other types are answered with the wish for MS-CHAPv2', () => {
    const client = identified();
    client.run(
      '> eap request 2 #1920',
      '< eap response 2 #031a',
      '> eap request 3 #04100123456789abcdef0123456789abcdef',
      '< eap response 3 #031a',
      '> eap request 4 #fe00000000000000fe',
      '< eap response 4 #031a',
      '> eap request 5 #02',
      '< eap response 5 #02',
      `> ${CHALLENGE}`,
      `< ${RESPONSE}`,
    );
  });

  test('a copy of a request gets a copy of the answer, whenever it comes', () => {
    const client = challenged();
    client.run('> eap request 1 #01', `< ${IDENTITY}`, `> ${CHALLENGE}`, `< ${RESPONSE}`);
    client.run(`> ${SUCCESS}`, `< ${ACKNOWLEDGED}`, `> ${CHALLENGE}`, `< ${RESPONSE}`);
    client.run('> eap success 3', `! authenticated ${hlakStart}`, IPCP, `> ${SUCCESS}`, `< ${ACKNOWLEDGED}`);
  });

  test('after the proof nothing new is answered', () => {
    const client = challenged();
    client.run(`> ${SUCCESS}`, `< ${ACKNOWLEDGED}`, '> eap request 9 #01', '> eap request 9 #0d20');
  });

  test('malformed and foreign packets are ignored', () => {
    identified().run(
      '> eap request 2',
      '> eap request 2 #1a',
      '> eap request 2 #1a0102',
      `> eap request 2 #${typeData(1, 2, '')}`,
      `> eap request 2 #${typeData(1, 2, '08cccccccccccccccc')}`,
      `> eap request 2 #${typeData(2, 2, '10')}`,
      `> ${IDENTITY}`,
      '> eap 5 1 #01',
    );
  });

  test('a domain goes out with the name but not into the hash', () => {
    const client = started('CORP\\alice');
    client.run('> eap request 1 #01', `< eap response 1 #01${asHex('CORP\\alice')}`);
    client.run(`> ${CHALLENGE}`, `< eap response 2 #${typeData(2, 2, `${response}${asHex('CORP\\alice')}`)}`);
    client.run(`> ${SUCCESS}`, `< ${ACKNOWLEDGED}`, '> eap success 3', `! authenticated ${hlakStart}`, IPCP);
  });

  test('a server that never asks, or never goes on, is left when the authentication time is over', () => {
    for (const client of [started(), identified(), challenged()]) {
      client.run('+ 60000', '< lcp termreq 2', '> lcp termack 2', '! ended auth-timeout');
    }
  });

  test('a server that gives EAP up and asks for MS-CHAPv2 instead is followed', () => {
    const client = identified();
    client.run('> eap request 2 #1920', '< eap response 2 #031a');
    client.run(
      '> lcp confreq 7 auth=c22381',
      '< lcp confreq 2 mru=1400 magic=01010101',
      '< lcp confack 7 auth=c22381',
      '> lcp confack 2 mru=1400 magic=01010101',
      `> chap challenge 5 #10${'cc'.repeat(16)}`,
      `< chap response 5 #${response}${asHex('alice')}`,
      `> chap success 5 "${proof}"`,
      `! authenticated ${hlakStart}`,
      IPCP,
    );
  });
});

function started(user = 'alice'): ClientScript {
  const client = new ClientScript({ user, auth: ['eap', 'mschapv2'] });
  client.up('< lcp confreq 1 mru=1400 magic=01010101');
  client.run('> lcp confreq 1 auth=c227', '< lcp confack 1 auth=c227', '> lcp confack 1 mru=1400 magic=01010101');
  return client;
}

function identified(): ClientScript {
  const client = started();
  client.run('> eap request 1 #01', `< ${IDENTITY}`);
  return client;
}

function challenged(): ClientScript {
  const client = identified();
  client.run(`> ${CHALLENGE}`, `< ${RESPONSE}`);
  return client;
}
