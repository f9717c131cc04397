// The server's side of EAP against a peer that is written down. Its random bytes are 01.. for the magic number, 02 for the first
// identifier, 03.. for the challenge and 04 for the MS-CHAPv2-ID.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AuthMethod, EapMode } from '../../../src/protocol/ppp/credentials.ts';
import { asHex, typeData } from './eap-exchange.ts';
import { hexText, parseFrame } from './frame-text.ts';
import { ServerScript } from './script.ts';

const IDENTITY_REQUEST = 'eap request 3 #01';
const IDENTITY = `eap response 3 #01${asHex('alice')}`;
const CHALLENGE = `#${typeData(1, 4, `10${'03'.repeat(16)}${asHex('gw')}`)}`;
const RESPONSE = `#${typeData(2, 4, `31${'55'.repeat(16)}${'00'.repeat(8)}${'77'.repeat(24)}00${asHex('CORP\\alice')}`)}`;
const PROOF = `S=${'0A'.repeat(20)} M=Welcome`;
const SUCCESS = `< eap request 5 #${typeData(3, 4, asHex(PROOF))}`;
const IPCP = '< ipcp confreq 1 address=10.0.0.1';

describe('EAP that is led here', () => {
  test('asks for identity, challenge and confirmation, and is over with a Success', () => {
    const server = identified();
    server.run(`> eap response 4 ${RESPONSE}`, '! verify mschapv2 CORP\\alice');
    assert.deepEqual(server.asked, [
      {
        kind: 'mschapv2',
        user: 'CORP\\alice',
        id: 4,
        authenticatorChallenge: new Uint8Array(16).fill(3),
        peerChallenge: new Uint8Array(16).fill(0x55),
        ntResponse: new Uint8Array(24).fill(0x77),
      },
    ]);
    server.verdict({ message: PROOF }, SUCCESS);
    assert.equal(server.machine.phase, 'authenticate', 'the peer has not confirmed the proof yet');
    server.run('> eap response 5 #1a03', '< eap success 5', '! authenticated CORP\\alice eap aaaa', IPCP);
    server.run('+ 2999');
  });

  test('a refusal is told in the words of MS-CHAPv2, and is over with a Failure when the peer has heard it', () => {
    const server = refused();
    server.run(
      '> eap response 5 #1a04',
      '< eap failure 5',
      '! authenticationFailed CORP\\alice eap',
      '< lcp termreq 2',
      '> lcp termack 2',
      '! ended auth-failed',
    );
  });

  test('a peer that has nothing to say to a refusal is not waited for', () => {
    refused().run('+ 2999', '+ 1', '< eap failure 5', '! authenticationFailed CORP\\alice eap', '< lcp termreq 2');
  });

  test('a peer that does not believe the proof is refused', () => {
    const server = identified();
    server.run(`> eap response 4 ${RESPONSE}`, '! verify mschapv2 CORP\\alice');
    server.verdict({ message: PROOF }, SUCCESS);
    server.run(
      '> eap response 5 #1a04',
      '< eap failure 5',
      '! authenticationFailed CORP\\alice eap',
      '< lcp termreq 2',
    );
  });

  test('each request is repeated every three seconds, unchanged, until it is answered', () => {
    const server = started();
    server.run('+ 3000', `< ${IDENTITY_REQUEST}`, '+ 3000', `< ${IDENTITY_REQUEST}`);
    server.run(`> ${IDENTITY}`, `< eap request 4 ${CHALLENGE}`, '+ 3000', `< eap request 4 ${CHALLENGE}`);
    server.run(`> eap response 4 ${RESPONSE}`, '! verify mschapv2 CORP\\alice', '+ 30000');
    server.verdict({ message: PROOF }, SUCCESS);
    server.run('+ 3000', SUCCESS);
  });

  test('copies of a response are verified once, ask nothing twice, and get the result when there is one', () => {
    const server = identified();
    server.run(`> ${IDENTITY}`);
    server.run(`> eap response 4 ${RESPONSE}`, '! verify mschapv2 CORP\\alice', `> eap response 4 ${RESPONSE}`);
    server.verdict({ message: PROOF }, SUCCESS);
    server.run(`> eap response 4 ${RESPONSE}`);
    server.run('> eap response 5 #1a03', '< eap success 5', '! authenticated CORP\\alice eap aaaa', IPCP);
    server.run('> eap response 5 #1a03', '< eap success 5');
  });

  test('nobody answers: the link ends when the authentication time is over', () => {
    const server = started();
    server.pass(60_000);
    const lines = server.take();
    assert.equal(lines.filter(line => line === `< ${IDENTITY_REQUEST}`).length, 19);
    assert.equal(lines.at(-1), '< lcp termreq 2');
  });

  test('a peer that never confirms the proof is left when the authentication time is over', () => {
    const server = identified();
    server.run(`> eap response 4 ${RESPONSE}`, '! verify mschapv2 CORP\\alice');
    server.verdict({ message: PROOF }, SUCCESS);
    server.pass(60_000);
    assert.equal(server.take().at(-1), '< lcp termreq 2');
    server.run('> eap response 5 #1a03', '> lcp termack 2', '! ended auth-timeout');
  });

  test('what is malformed, of another type, or of another identifier leaves the request outstanding', () => {
    const server = identified();
    server.run(
      '> eap response 4',
      '> eap response 4 #1a',
      '> eap response 4 #1a0204',
      `> eap response 4 #${typeData(2, 4, `31${'55'.repeat(49)}`).slice(0, -2)}`,
      `> eap response 4 #${typeData(1, 4, '10')}`,
      '> eap response 4 #0d00',
      `> eap response 9 ${RESPONSE}`,
      `> eap request 4 ${CHALLENGE}`,
      '> eap success 4',
      '> eap failure 4',
      '> eap 5 4 #1a',
      '+ 3000',
      `< eap request 4 ${CHALLENGE}`,
    );
    server.run(`> eap response 4 ${RESPONSE}`, '! verify mschapv2 CORP\\alice');
  });

  test('whoever leads, an answer of another type is none', () => {
    for (const mode of ['local', 'relay'] as const) {
      const server = started(mode);
      server.run('> eap response 3 #0d00', '> eap response 3 #02', '+ 3000', `< ${IDENTITY_REQUEST}`);
    }
  });

  test('a wrong MS-Length does not cut the name', () => {
    const server = identified();
    const wrong = RESPONSE.replace(/^#1a0204..../, '#1a02040010');
    server.run(`> eap response 4 ${wrong}`, '! verify mschapv2 CORP\\alice');
  });

  test('a Nak that wants MS-CHAPv2 all the same gets a new challenge, a few times', () => {
    const server = identified();
    server.run('> eap response 4 #031a', `< eap request 5 #${typeData(1, 6, `10${'05'.repeat(16)}${asHex('gw')}`)}`);
    server.run('> eap response 5 #030d1a', `< eap request 6 #${typeData(1, 8, `10${'07'.repeat(16)}${asHex('gw')}`)}`);
    server.run(
      '> eap response 6 #031a',
      '< eap failure 6',
      '< lcp termreq 2',
      '> lcp termack 2',
      '! ended auth-refused',
    );
  });

  test('a challenge for a peer that asked no dialogue is a refusal', () => {
    const server = identified();
    server.run(`> eap response 4 ${RESPONSE}`, '! verify mschapv2 CORP\\alice');
    server.machine.verdict({ kind: 'challenge', packet: Uint8Array.of(1, 9, 0, 5, 1) }, server.now);
    assert.match(server.take().join(), /^< eap request 5 #1a0404/);
  });
});

describe('EAP without a common type', () => {
  const NAK = '> eap response 4 #0319';

  test('LCP is negotiated anew with the next method of the list, without a word of failure', () => {
    const server = identified('local', ['eap', 'mschapv2', 'pap']);
    server.run(NAK, '< lcp confreq 2 mru=1400 auth=c22381 magic=01010101');
    assert.equal(server.machine.phase, 'establish');
    server.run(
      '> lcp confreq 2',
      '< lcp confack 2',
      '> lcp confack 2 mru=1400 auth=c22381 magic=01010101',
      `< chap challenge 6 #10${'05'.repeat(16)}6777`,
      // What still comes of the first attempt is nobody's.
      `> eap response 4 ${RESPONSE}`,
      `> chap response 6 #31${'55'.repeat(16)}${'00'.repeat(8)}${'77'.repeat(24)}00616c696365`,
      '! verify mschapv2 alice',
    );
    server.verdict({}, '< chap success 6 "welcome"', '! authenticated alice mschapv2 aaaa', IPCP);
    // Once authenticated, a renegotiation is the end as ever.
    server.receive(parseFrame('lcp confreq 9'));
    assert.ok(server.take().some(line => line.startsWith('< lcp termreq')));
    server.run('> lcp termack 4', '! ended lcp-renegotiated');
  });

  test('the method is not offered again, not even when the peer asks for it', () => {
    const server = identified('local', ['eap', 'pap']);
    server.run(
      NAK,
      '< lcp confreq 2 mru=1400 auth=c023 magic=01010101',
      '> lcp confnak 2 auth=c227',
      '< lcp termreq 3',
      '> lcp termack 3',
      '! ended auth-refused',
    );
  });

  test('without another method the peer is told, and the link ends', () => {
    identified().run(NAK, '< eap failure 4', '< lcp termreq 2', '> lcp termack 2', '! ended auth-refused');
  });

  test('the time for authentication is one for both methods', () => {
    const server = started('local', ['eap', 'pap']);
    server.pass(50_000);
    server.take();
    server.run('> eap response 3 #0319', '< lcp confreq 2 mru=1400 auth=c023 magic=01010101');
    server.run('> lcp confack 2 mru=1400 auth=c023 magic=01010101', '> lcp confreq 2', '< lcp confack 2');
    server.run('+ 9999', '+ 1', '< lcp termreq 3', '> lcp termack 3', '! ended auth-timeout');
  });

  test('the identity may be refused as well', () => {
    started('local', ['eap', 'pap']).run('> eap response 3 #0300', '< lcp confreq 2 mru=1400 auth=c023 magic=01010101');
    started('relay', ['eap', 'pap']).run('> eap response 3 #0300', '< lcp confreq 2 mru=1400 auth=c023 magic=01010101');
  });

  test('relayed, it is the leader who says that there is none', () => {
    const server = identified('relay', ['eap', 'mschapv2']);
    server.verdict(challenge('01090006 0d20'), '< eap request 9 #0d20');
    server.run('> eap response 9 #0319', '! verify eap alice');
    assert.deepEqual(lastAsked(server), '020900060319');
    server.verdict(
      { kind: 'rejected', packet: bytes('04090004') },
      '< lcp confreq 2 mru=1400 auth=c22381 magic=01010101',
    );
  });

  test('relayed, a Nak may lead to a type that is common, whose rejection is final', () => {
    const server = identified('relay', ['eap', 'mschapv2']);
    server.verdict(challenge('01090006 0d20'), '< eap request 9 #0d20');
    server.run('> eap response 9 #0319', '! verify eap alice');
    server.verdict(challenge('010a0006 1920'), '< eap request 10 #1920');
    server.run('> eap response 10 #1900', '! verify eap alice');
    server.verdict({ kind: 'rejected' }, '< eap failure 10', '! authenticationFailed alice eap', '< lcp termreq 2');
  });
});

describe('EAP that is relayed', () => {
  test('every response goes to the leader, and its requests go to the peer as they are', () => {
    const server = identified('relay');
    assert.equal(lastAsked(server), `0203000a01${asHex('alice')}`);
    server.verdict(challenge('01090006 0d20'), '< eap request 9 #0d20');
    server.run('> eap response 9 #0d80000000051603010000', '! verify eap alice');
    assert.equal(lastAsked(server), '0209000f0d80000000051603010000');
    server.verdict(challenge('010a000a 0d401603 0301'), '< eap request 10 #0d4016030301');
    // A fragment is acknowledged by an empty packet of its type.
    server.run('> eap response 10 #0d00', '! verify eap alice');
    server.verdict({ packet: bytes('030a0004') }, '< eap success 10', '! authenticated alice eap aaaa', IPCP);
    server.run('> eap response 10 #0d00', '< eap success 10');
  });

  test('padding behind a response is not relayed, and a copy is relayed once', () => {
    const server = started('relay');
    const { protocol, information } = parseFrame(IDENTITY);
    const padded = { protocol, information: Uint8Array.of(...information, 1, 2, 3) };
    server.receive(padded);
    server.receive(padded);
    server.run('! verify eap alice');
    assert.equal(lastAsked(server), `0203000a01${asHex('alice')}`);
  });

  test('without a packet of the leader the result is made here, as is one that contradicts its verdict', () => {
    identified('relay').verdict({}, '< eap success 3', '! authenticated alice eap aaaa', IPCP);
    const told = ['! authenticationFailed alice eap', '< lcp termreq 2'];
    identified('relay').verdict({ kind: 'rejected' }, '< eap failure 3', ...told);
    identified('relay').verdict({ kind: 'rejected', packet: bytes('04070004') }, '< eap failure 7', ...told);
    identified('relay').verdict({ kind: 'rejected', packet: bytes('03030004') }, '< eap failure 3', ...told);
    identified('relay').verdict({ kind: 'rejected', packet: bytes('04') }, '< eap failure 3', ...told);
  });

  test('a challenge that is no request, or does not fit into a frame, is a refusal', () => {
    const told = ['< eap failure 3', '! authenticationFailed alice eap', '< lcp termreq 2'];
    identified('relay').verdict(challenge('02090006 0d20'), ...told);
    identified('relay').verdict(challenge('03090004'), ...told);
    identified('relay').verdict(challenge('0109'), ...told);
    identified('relay').verdict(challenge(`010910000d${'00'.repeat(4091)}`), ...told);
  });

  test('a request is repeated after the time that the leader gives the peer, and not sooner than any other', () => {
    const patient = identified('relay');
    patient.verdict({ ...challenge('01090006 0d20'), timeoutMs: 30_000 }, '< eap request 9 #0d20');
    patient.run('+ 29999', '+ 1', '< eap request 9 #0d20');
    const hasty = identified('relay');
    hasty.verdict({ ...challenge('01090006 0d20'), timeoutMs: 1 }, '< eap request 9 #0d20');
    hasty.run('+ 2999', '+ 1', '< eap request 9 #0d20');
  });

  test('no time that the leader gives outlives the authentication time', () => {
    const server = identified('relay');
    server.verdict({ ...challenge('01090006 0d20'), timeoutMs: 300_000 }, '< eap request 9 #0d20');
    server.run('+ 60000', '< lcp termreq 2', '> lcp termack 2', '! ended auth-timeout');
  });

  test('a leader that never answers is not waited for longer than that', () => {
    identified('relay').run('+ 60000', '< lcp termreq 2');
  });

  test('LCP negotiated anew while the leader thinks ends the link', () => {
    const server = identified('relay');
    server.receive(parseFrame('lcp confreq 9'));
    assert.ok(server.take().some(line => line.startsWith('< lcp termreq')));
    server.run('> lcp termack 3', '! ended lcp-renegotiated');
  });
});

describe('a challenge to a method without dialogue', () => {
  test('is a refusal that the peer understands', () => {
    const server = new ServerScript({ auth: ['pap'] });
    server.up('< lcp confreq 1 mru=1400 auth=c023 magic=01010101');
    server.run('> lcp confack 1 mru=1400 auth=c023 magic=01010101', '> lcp confreq 1', '< lcp confack 1');
    server.run('> pap request 1 #03626f620178', '! verify pap bob');
    const text = asHex('Authentication failed');
    server.verdict(
      challenge('01090006 0d20'),
      `< pap nak 1 #15${text}`,
      '! authenticationFailed bob pap',
      '< lcp termreq 2',
    );
  });
});

function started(eap: EapMode = 'local', auth: readonly AuthMethod[] = ['eap']): ServerScript {
  const server = new ServerScript({ auth, eap });
  server.up('< lcp confreq 1 mru=1400 auth=c227 magic=01010101');
  server.run(
    '> lcp confack 1 mru=1400 auth=c227 magic=01010101',
    '> lcp confreq 1',
    '< lcp confack 1',
    `< ${IDENTITY_REQUEST}`,
  );
  return server;
}

/** The identity is told: challenged, or the leader has been asked. */
function identified(eap: EapMode = 'local', auth: readonly AuthMethod[] = ['eap']): ServerScript {
  const server = started(eap, auth);
  server.run(`> ${IDENTITY}`, eap === 'local' ? `< eap request 4 ${CHALLENGE}` : '! verify eap alice');
  return server;
}

function refused(): ServerScript {
  const server = identified();
  server.run(`> eap response 4 ${RESPONSE}`, '! verify mschapv2 CORP\\alice');
  const text = `E=647 R=0 C=${'05'.repeat(16)} V=3 M=Account disabled`;
  server.verdict(
    { kind: 'rejected', code: 647, message: 'Account disabled' },
    `< eap request 5 #${typeData(4, 4, asHex(text))}`,
  );
  return server;
}

function lastAsked(server: ServerScript): string {
  const last = server.asked.at(-1);
  assert.equal(last?.kind, 'eap');
  return last.kind === 'eap' ? hexText(last.packet) : '';
}

function challenge(packet: string): { readonly kind: 'challenge'; readonly packet: Uint8Array } {
  return { kind: 'challenge', packet: bytes(packet) };
}

function bytes(digits: string): Uint8Array {
  return new Uint8Array(Buffer.from(digits.replaceAll(' ', ''), 'hex'));
}
