import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseFrame } from './frame-text.ts';
import { ServerScript } from './script.ts';

const FIRST = '< lcp confreq 1 mru=1400 auth=c22381 magic=01010101';

describe('LCP options', () => {
  test('an empty Configure-Request is acknowledged', () => {
    serverUp().run('> lcp confreq 9', '< lcp confack 9');
  });

  test('Reject goes before Nak, and holds the refused options unchanged and in order', () => {
    serverUp().run('> lcp confreq 1 acfc mru=100 63=0102 pfc', '< lcp confrej 1 acfc 63=0102 pfc');
  });

  test('an MRU outside of 576 to 4091 is answered with the nearest value inside', () => {
    const server = serverUp();
    server.run('> lcp confreq 1 mru=575', '< lcp confnak 1 mru=576');
    server.run('> lcp confreq 2 mru=4092', '< lcp confnak 2 mru=4091');
    server.run('> lcp confreq 3 mru=576', '< lcp confack 3 mru=576');
    server.run('> lcp confreq 4 mru=4091', '< lcp confack 4 mru=4091');
  });

  test('the peer is sent no more than its MRU, or 1500 when it names none', () => {
    const server = serverUp();
    assert.equal(server.machine.peerMru, 1500);
    server.run('> lcp confreq 1 mru=576', '< lcp confack 1 mru=576');
    assert.equal(server.machine.peerMru, 576);
    server.run('> lcp confreq 2 mru=100', '< lcp confnak 2 mru=576');
    assert.equal(server.machine.peerMru, 576);
    server.run('> lcp confreq 3', '< lcp confack 3');
    assert.equal(server.machine.peerMru, 1500);
  });

  test('after five Naks without an Ack a bad value is rejected', () => {
    const server = serverUp();
    for (let id = 1; id <= 5; id++) server.run(`> lcp confreq ${id} mru=100`, `< lcp confnak ${id} mru=576`);
    server.run('> lcp confreq 6 mru=100', '< lcp confrej 6 mru=100');
    server.run('> lcp confreq 7', '< lcp confack 7');
    server.run('> lcp confreq 8 mru=100', '< lcp confnak 8 mru=576');
  });

  test('a peer that never sends an acceptable request is left in the end', () => {
    const server = serverUp();
    for (let id = 1; id <= 40; id++) server.run(`> lcp confreq ${id} pfc`, `< lcp confrej ${id} pfc`);
    server.run('> lcp confreq 41 pfc', '< lcp termreq 2', '> lcp termack 2', '! ended lcp-failed');
  });

  test('a peer that Naks for ever is left in the end', () => {
    const server = serverUp();
    for (let round = 1; round < 40; round++) {
      server.receive(parseFrame(`lcp confnak ${round} magic=0badcafe`));
      assert.match(server.take().join(), /^< lcp confreq/);
    }
    server.run('> lcp confnak 40 magic=0badcafe', '< lcp termreq 41', '> lcp termack 41', '! ended lcp-failed');
  });

  test('options of impossible length are rejected', () => {
    const bad = '63 magic=010203 asyncmap=00 auth=c2';
    serverUp().run(`> lcp confreq 1 ${bad}`, `< lcp confrej 1 ${bad}`);
  });

  test('magic number 0 is Naked with another one', () => {
    serverUp().run('> lcp confreq 1 magic=00000000', '< lcp confnak 1 magic=02020202');
  });

  test('the demand to authenticate ourselves is rejected', () => {
    serverUp().run('> lcp confreq 1 auth=c22381', '< lcp confrej 1 auth=c22381');
  });

  test('an MRU that the peer suggests is taken, an absurd one is answered by naming none', () => {
    serverUp().run('> lcp confnak 1 mru=1500', '< lcp confreq 2 mru=1500 auth=c22381 magic=01010101');
    serverUp().run('> lcp confnak 1 mru=4091', '< lcp confreq 2 mru=4091 auth=c22381 magic=01010101');
    serverUp().run('> lcp confnak 1 mru=0', '< lcp confreq 2 auth=c22381 magic=01010101');
    serverUp().run('> lcp confnak 1 mru=9000', '< lcp confreq 2 auth=c22381 magic=01010101');
  });

  test('rejected options are left out, all but authentication', () => {
    serverUp().run('> lcp confrej 1 mru=1400 magic=01010101', '< lcp confreq 2 auth=c22381');
    const server = serverUp();
    server.run(
      '> lcp confrej 1 auth=c22381',
      '< lcp confreq 2 mru=1400 auth=c22305 magic=01010101',
      '> lcp confrej 2 auth=c22305',
      '< lcp confreq 3 mru=1400 auth=c023 magic=01010101',
      '> lcp confrej 3 auth=c023',
      '< lcp termreq 4',
      '> lcp termack 4',
      '! ended auth-refused',
    );
  });

  test('the peer may choose among our methods, but no method comes back that it refused', () => {
    serverUp().run(
      '> lcp confnak 1 auth=c023',
      '< lcp confreq 2 mru=1400 auth=c023 magic=01010101',
      '> lcp confnak 2 auth=c22381',
      '< lcp confreq 3 mru=1400 auth=c22305 magic=01010101',
    );
  });
});

describe('LCP loopback', () => {
  test('our own requests coming back end the link for that reason, not for the options in them', () => {
    const server = new ServerScript();
    server.machine.up(0);
    const lines = server.take();
    for (let at = 0; at < lines.length && at < 100; at++) {
      const line = lines[at] ?? '';
      if (line.startsWith('<')) server.receive(parseFrame(line.slice(2)));
      lines.push(...server.take());
    }
    assert.equal(lines.at(-1), '! ended lcp-loopback');
    assert.ok(lines.length < 50, `${lines.length} frames went around`);
  });

  test('only collisions in a row make a loopback', () => {
    const server = serverUp();
    for (let id = 1; id <= 30; id++) {
      server.receive(parseFrame(`lcp confreq ${id} ${id % 8 === 0 ? '' : 'magic=01010101'}`));
      assert.match(server.take().join(), id % 8 === 0 ? /^< lcp confack \d+$/ : /^< lcp confnak \d+ magic=/);
    }
    assert.equal(server.machine.phase, 'establish');
  });

  test('one collision of magic numbers is resolved', () => {
    serverUp().run(
      '> lcp confreq 1 mru=1500 magic=01010101',
      '< lcp confnak 1 magic=02020202',
      '> lcp confreq 2 mru=1500 magic=02020202',
      '< lcp confack 2 mru=1500 magic=02020202',
      '> lcp confnak 1 magic=09090909',
      '< lcp confreq 2 mru=1400 auth=c22381 magic=03030303',
    );
  });
});

describe('answers that do not belong to our request', () => {
  test('an Ack with another identifier, or with other options, is ignored', () => {
    const server = serverUp();
    server.run('> lcp confreq 1', '< lcp confack 1');
    server.run('> lcp confack 2 mru=1400 auth=c22381 magic=01010101', '> lcp confack 1 mru=1400 auth=c22381');
    assert.equal(server.machine.phase, 'establish');
  });

  test('a second Ack of the same request changes nothing', () => {
    const server = serverUp();
    server.run(
      '> lcp confack 1 mru=1400 auth=c22381 magic=01010101',
      '> lcp confack 1 mru=1400 auth=c22381 magic=01010101',
      '> lcp confreq 1',
      '< lcp confack 1',
      `< chap challenge 3 #10${'02'.repeat(16)}6777`,
      '> lcp confack 1 mru=1400 auth=c22381 magic=01010101',
    );
    assert.equal(server.machine.phase, 'authenticate');
  });

  test('a retransmission keeps its identifier, a changed request gets a new one', () => {
    serverUp().run(
      '+ 750',
      FIRST,
      '+ 3000',
      FIRST,
      '> lcp confrej 1 magic=01010101',
      '< lcp confreq 2 mru=1400 auth=c22381',
    );
  });

  test('requests of too many options are not answered: the answer might not fit', () => {
    const options = Array.from({ length: 65 }, () => 'magic=00000000').join(' ');
    serverUp().run(`> lcp confreq 1 ${options}`);
  });

  test('nobody answers: ten requests, and the link is given up', () => {
    const server = serverUp();
    server.pass(750 + 10 * 3000);
    const lines = server.take();
    assert.equal(lines.filter(line => line === FIRST).length, 9);
    assert.equal(lines.at(-1), '! ended lcp-failed');
  });
});

describe('LCP codes beyond negotiation', () => {
  test('an Echo-Request is answered when LCP is opened, and only then', () => {
    serverUp().run('> lcp echoreq 1 #0000000041');
    opened().run('> lcp echoreq 1 #0000000041', '< lcp echorep 1 #0101010141');
  });

  test('an Echo-Request without a magic number is answered all the same', () => {
    opened().run('> lcp echoreq 1', '< lcp echorep 1 #01010101');
  });

  test('an Echo-Reply is cut to the MRU of the peer', () => {
    const server = opened('mru=576');
    server.run(`> lcp echoreq 1 #00000000${'41'.repeat(1000)}`, `< lcp echorep 1 #01010101${'41'.repeat(568)}`);
  });

  test('not even a peer with the greatest MRU makes us send what SSTP cannot carry', () => {
    const server = opened('mru=4091');
    server.run(`> lcp echoreq 1 #${'00'.repeat(4083)}`, `< lcp echorep 1 #01010101${'00'.repeat(4079)}`);
    server.run(`> lcp echoreq 1 #${'00'.repeat(4084)}`);
  });

  test('an unknown code is rejected with a copy, cut to the MRU of the peer', () => {
    opened().run('> lcp 99 7 #0102', '< lcp coderej 2 #630700060102');
    const server = opened('mru=576');
    server.run(`> lcp 99 7 #${'41'.repeat(1000)}`, `< lcp coderej 2 #630703ec${'41'.repeat(568)}`);
  });

  test('Discard-Request, Echo-Reply, Identification and Time-Remaining are taken in silence', () => {
    opened().run(
      '> lcp discard 1 #00000000',
      '> lcp echorep 1 #00000000',
      '> lcp identification 1 #00000000',
      '> lcp timeleft 1 #0000000000000000',
    );
  });

  test('a Code-Reject of what we cannot do without ends the link, any other does not', () => {
    opened().run('> lcp coderej 1 #09010004', '> lcp coderej 1', '> lcp coderej 2 #63');
    opened().run('> lcp coderej 1 #01010004', '< lcp termreq 2', '> lcp termack 2', '! ended lcp-failed');
  });

  test('a Protocol-Reject of LCP or of the authentication protocol ends the link, one of another protocol does not', () => {
    serverUp().run('> lcp protrej 1 #c021');
    opened().run('> lcp protrej 1 #80fd', '> lcp protrej 1 #80');
    opened().run('> lcp protrej 1 #c021', '< lcp termreq 2', '> lcp termack 2', '! ended lcp-failed');
    opened().run('> lcp protrej 1 #c223', '< lcp termreq 2', '> lcp termack 2', '! ended auth-refused');
  });

  test('a Terminate-Request in the middle of the negotiation ends the link', () => {
    serverUp().run(
      '> lcp termreq 5 #627965',
      '< lcp termack 5',
      '< lcp termreq 2',
      '> lcp termack 2',
      '! ended peer-terminate',
    );
  });
});

function serverUp(): ServerScript {
  const server = new ServerScript();
  server.up(FIRST);
  return server;
}

function opened(peerOptions = ''): ServerScript {
  const server = serverUp();
  const options = peerOptions === '' ? '' : ` ${peerOptions}`;
  server.run(
    '> lcp confack 1 mru=1400 auth=c22381 magic=01010101',
    `> lcp confreq 1${options}`,
    `< lcp confack 1${options}`,
    `< chap challenge 3 #10${'02'.repeat(16)}6777`,
  );
  return server;
}
