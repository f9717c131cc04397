import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseFrame } from './frame-text.ts';
import { ipv4, ServerScript } from './script.ts';

const FIRST = '< lcp confreq 1 mru=1400 auth=c023 magic=01010101';
const PAP_REQUEST = '> pap request 1 #03626f620178';

describe('phases', () => {
  test('the phase follows the link', () => {
    const server = new ServerScript({ auth: ['pap'] });
    assert.equal(server.machine.phase, 'dead');
    server.up(FIRST);
    assert.equal(server.machine.phase, 'establish');
    establish(server);
    assert.equal(server.machine.phase, 'authenticate');
    authenticate(server);
    assert.equal(server.machine.phase, 'network');
    server.machine.terminate('terminated', 0);
    assert.equal(server.machine.phase, 'terminate');
    server.run('< lcp termreq 2', '> lcp termack 2', '! ended terminated');
    assert.equal(server.machine.phase, 'dead');
  });

  test('before LCP is opened nothing but LCP is heard', () => {
    const server = new ServerScript({ auth: ['pap'] });
    server.up(FIRST);
    server.run(PAP_REQUEST, '> ipcp confreq 1', '> ccp confreq 1', '> ipv6cp confreq 1', '> c227 confreq 1');
  });

  test('before the verdict network protocols are discarded in silence, known or not', () => {
    const server = established();
    server.run('> ipcp confreq 1', '> ccp confreq 1', '> ipv6cp confreq 1', '> chap response 1 #0141');
    server.run(PAP_REQUEST, '! verify pap bob');
    server.run('> ipcp confreq 1', '> ccp confreq 1');
  });

  test('in the network phase unknown protocols are rejected, authentication that was not agreed on is discarded', () => {
    const server = authenticated();
    server.run(
      '> ccp confreq 1',
      '< lcp protrej 2 #80fd01010004',
      '> c025 confreq 1',
      '< lcp protrej 3 #c02501010004',
      '> chap response 1 #0141',
    );
  });

  test('a data protocol that nobody negotiated is rejected once, not once per packet; IPv4 never', () => {
    const server = authenticated();
    server.receive({ protocol: 0x00fd, information: Uint8Array.of(1, 2) });
    server.run('< lcp protrej 2 #00fd0102');
    server.receive({ protocol: 0x00fd, information: Uint8Array.of(3, 4) });
    server.receive({ protocol: 0x0021, information: Uint8Array.of(0x45) });
    server.run();
  });

  test('a Protocol-Reject is cut to the MRU of the peer', () => {
    const server = new ServerScript({ auth: ['pap'] });
    server.up(FIRST);
    server.run(
      '> lcp confack 1 mru=1400 auth=c023 magic=01010101',
      '> lcp confreq 1 mru=576',
      '< lcp confack 1 mru=576',
    );
    authenticate(server);
    server.receive({ protocol: 0x80fd, information: new Uint8Array(1000).fill(0x41) });
    server.run(`< lcp protrej 2 #80fd${'41'.repeat(570)}`);
  });
});

describe('the end of a link', () => {
  test('terminate before up ends at once', () => {
    const server = new ServerScript();
    server.machine.terminate('terminated', 0);
    server.run('! ended terminated');
  });

  test('an unanswered Terminate-Request is repeated once, and after two seconds the link has ended', () => {
    const server = authenticated();
    server.machine.terminate('terminated', 0);
    server.run('< lcp termreq 2', '+ 1000', '< lcp termreq 3', '+ 1000', '! ended terminated');
    assert.equal(server.machine.deadline, Number.POSITIVE_INFINITY);
  });

  test('the first reason stays', () => {
    const server = authenticated();
    server.machine.terminate('terminated', 0);
    server.machine.terminate('echo-timeout', 0);
    server.run('< lcp termreq 2', '> lcp termreq 7', '< lcp termack 7', '> lcp termack 2', '! ended terminated');
  });

  test('lowerDown sends nothing, reports the network down and leaves no timer', () => {
    const server = networkUp();
    server.machine.lowerDown();
    server.run('! networkDown');
    assert.equal(server.machine.deadline, Number.POSITIVE_INFINITY);
    server.run('> lcp echoreq 1 #00000000', '> lcp termreq 1', '+ 100000');
    server.machine.terminate('terminated', server.now);
    server.run();
  });

  test('LCP negotiated anew after authentication ends the link: the binding could not cover a second one', () => {
    const server = networkUp();
    server.run(
      '> lcp confreq 9',
      '! networkDown',
      '< lcp confreq 2 mru=1400 auth=c023 magic=01010101',
      '< lcp confack 9',
      '< lcp termreq 3',
      '> lcp termack 3',
      '! ended lcp-renegotiated',
    );
  });

  test('LCP negotiated anew during a verification ends the link: its verdict is for other credentials', () => {
    const server = established();
    server.run(PAP_REQUEST, '! verify pap bob');
    server.run(
      '> lcp confreq 9',
      '< lcp confreq 2 mru=1400 auth=c023 magic=01010101',
      '< lcp confack 9',
      '< lcp termreq 3',
    );
    server.verdict({});
    server.run('> lcp termack 3', '! ended lcp-renegotiated');
  });

  test('LCP negotiated anew before that starts authentication anew', () => {
    const server = established();
    server.run(
      '> lcp confreq 9',
      '< lcp confreq 2 mru=1400 auth=c023 magic=01010101',
      '< lcp confack 9',
      '> lcp confack 2 mru=1400 auth=c023 magic=01010101',
    );
    authenticate(server);
  });
});

describe('IPCP', () => {
  test('DNS and NBNS: right values are acknowledged, wrong ones corrected, missing ones rejected', () => {
    const server = established();
    server.run(PAP_REQUEST, '! verify pap bob');
    server.machine.verdict(
      {
        kind: 'accepted',
        hlak: new Uint8Array(32),
        message: '',
        ipv4: {
          address: ipv4('10.0.0.7'),
          gateway: ipv4('10.0.0.1'),
          dns: [ipv4('9.9.9.9'), ipv4('1.1.1.1')],
          nbns: [ipv4('10.0.0.5')],
        },
      },
      0,
    );
    server.take();
    server.run(
      '> ipcp confreq 1 address=10.0.0.7 dns1=9.9.9.9 nbns1=0.0.0.0 dns2=8.8.8.8 nbns2=0.0.0.0',
      '< ipcp confrej 1 nbns2=0.0.0.0',
      '> ipcp confreq 2 address=10.0.0.7 dns1=9.9.9.9 nbns1=0.0.0.0 dns2=8.8.8.8',
      '< ipcp confnak 2 nbns1=10.0.0.5 dns2=1.1.1.1',
      '> ipcp confreq 3 address=10.0.0.7 dns1=9.9.9.9 nbns1=10.0.0.5 dns2=1.1.1.1',
      '< ipcp confack 3 address=10.0.0.7 dns1=9.9.9.9 nbns1=10.0.0.5 dns2=1.1.1.1',
    );
  });

  test('header compression, the obsolete address option and Mobile IP are rejected', () => {
    authenticated().run(
      '> ipcp confreq 1 addresses=0a0000070a000001 vj=002d0f01 04=0a000007 address=0.0.0.0',
      '< ipcp confrej 1 addresses=0a0000070a000001 vj=002d0f01 04=0a000007',
    );
  });

  test('an address option of the wrong length is corrected', () => {
    authenticated().run('> ipcp confreq 1 address=0a00', '< ipcp confnak 1 address=10.0.0.7');
  });

  test('a request without an address is Naked with one, and after five times the link ends', () => {
    const server = authenticated();
    for (let id = 1; id <= 5; id++) server.run(`> ipcp confreq ${id}`, `< ipcp confnak ${id} address=10.0.0.7`);
    server.run('> ipcp confreq 6', '< lcp termreq 2', '> lcp termack 2', '! ended ipcp-failed');
  });

  test('a peer that rejects our address gets along without it', () => {
    authenticated().run(
      '> ipcp confrej 1 address=10.0.0.1',
      '< ipcp confreq 2',
      '> ipcp confack 2',
      '> ipcp confreq 1 address=10.0.0.7',
      '< ipcp confack 1 address=10.0.0.7',
      '! networkUp 10.0.0.7 mru=1500',
    );
  });

  test('a user without IPv4 has nothing to do here', () => {
    const server = established();
    server.run(PAP_REQUEST, '! verify pap bob');
    server.verdict(
      { ipv4: undefined, message: '' },
      '< pap ack 1 #00',
      '! authenticated bob pap aaaa',
      '< lcp termreq 2',
    );
    server.run('> lcp termack 2', '! ended no-network-protocol');
  });

  test('a peer that closes IPCP closes the link', () => {
    networkUp().run(
      '> ipcp termreq 7',
      '! networkDown',
      '< ipcp termack 7',
      '< lcp termreq 2',
      '> lcp termack 2',
      '! ended no-network-protocol',
    );
  });

  test('IPCP has no echo: the code is rejected', () => {
    authenticated().run('> ipcp echoreq 1 #00000000', '< ipcp coderej 2 #0901000800000000');
  });

  test('a peer that never answers IPCP is left after ten requests', () => {
    const server = authenticated();
    server.pass(30_000);
    const lines = server.take();
    assert.equal(lines.filter(line => line === '< ipcp confreq 1 address=10.0.0.1').length, 9);
    assert.equal(lines.at(-1), '< lcp termreq 2');
    server.run('> lcp termack 2', '! ended ipcp-failed');
  });

  test('IPCP may be negotiated anew, but not for ever: each time moves a route', () => {
    const server = networkUp();
    for (let round = 2; round <= 10; round++) {
      server.run(
        `> ipcp confreq ${round} address=10.0.0.7`,
        '! networkDown',
        `< ipcp confreq ${round} address=10.0.0.1`,
        `< ipcp confack ${round} address=10.0.0.7`,
        `> ipcp confack ${round} address=10.0.0.1`,
        '! networkUp 10.0.0.7 mru=1500',
      );
    }
    server.receive(parseFrame('ipcp confreq 11 address=10.0.0.7'));
    server.take();
    server.run('> ipcp confack 11 address=10.0.0.1', '< lcp termreq 2', '> lcp termack 2', '! ended ipcp-failed');
  });
});

describe('keepalive', () => {
  test('silence is asked about, and four unanswered questions end the link', () => {
    const server = networkUp({ intervalMs: 30_000, failures: 4 });
    server.run('+ 29999', '+ 1', '< lcp echoreq 2 #01010101', '+ 30000', '< lcp echoreq 3 #01010101');
    server.run('+ 30000', '< lcp echoreq 4 #01010101', '+ 30000', '< lcp echoreq 5 #01010101');
    server.run('+ 30000', '! networkDown', '< lcp termreq 6', '+ 2000', '< lcp termreq 7', '! ended echo-timeout');
  });

  test('an answer starts the count anew', () => {
    const server = networkUp({ intervalMs: 30_000, failures: 1 });
    for (let id = 2; id < 8; id++) {
      server.run('+ 30000', `< lcp echoreq ${id} #01010101`, `> lcp echorep ${id} #00000000`);
    }
  });

  test('any traffic counts as life: a busy link is never asked', () => {
    const server = networkUp({ intervalMs: 30_000, failures: 1 });
    for (let second = 0; second < 300; second++) {
      server.pass(1000);
      server.machine.heard(server.now);
    }
    server.run('+ 29999', '+ 1', '< lcp echoreq 2 #01010101');
  });

  test('an interval of 0 turns it off', () => {
    assert.equal(networkUp({ intervalMs: 0, failures: 1 }).machine.deadline, Number.POSITIVE_INFINITY);
  });
});

function established(lcpEcho = { intervalMs: 0, failures: 4 }): ServerScript {
  const server = new ServerScript({ auth: ['pap'], lcpEcho });
  server.up(FIRST);
  establish(server);
  return server;
}

function establish(server: ServerScript): void {
  server.run('> lcp confack 1 mru=1400 auth=c023 magic=01010101', '> lcp confreq 1', '< lcp confack 1');
}

function authenticate(server: ServerScript): void {
  server.run(PAP_REQUEST, '! verify pap bob');
  server.verdict(
    { message: '' },
    '< pap ack 1 #00',
    '! authenticated bob pap aaaa',
    '< ipcp confreq 1 address=10.0.0.1',
  );
}

function authenticated(): ServerScript {
  const server = established();
  authenticate(server);
  return server;
}

function networkUp(lcpEcho?: { intervalMs: number; failures: number }): ServerScript {
  const server = established(lcpEcho);
  authenticate(server);
  server.run(
    '> ipcp confack 1 address=10.0.0.1',
    '> ipcp confreq 1 address=10.0.0.7',
    '< ipcp confack 1 address=10.0.0.7',
    '! networkUp 10.0.0.7 mru=1500',
  );
  return server;
}
