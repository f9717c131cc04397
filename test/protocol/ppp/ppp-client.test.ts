import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ClientScript, ipv4 } from './script.ts';

describe('IPCP of the client', () => {
  test('asks for what the caller wants: an address of its own, no DNS, NetBIOS name servers', () => {
    ClientScript.networkEntered(
      { requestAddress: ipv4('10.9.9.9'), requestDns: false, requestNbns: true },
      '< ipcp confreq 1 address=10.9.9.9 nbns1=0.0.0.0 nbns2=0.0.0.0',
    ).run(
      '> ipcp confnak 1 address=10.0.0.7 nbns1=10.0.0.5',
      '< ipcp confreq 2 address=10.0.0.7 nbns1=10.0.0.5 nbns2=0.0.0.0',
      '> ipcp confack 2 address=10.0.0.7 nbns1=10.0.0.5 nbns2=0.0.0.0',
      '> ipcp confreq 1 address=10.0.0.1',
      '< ipcp confack 1 address=10.0.0.1',
      '! networkUp 10.0.0.7 via 10.0.0.1 dns=10.0.0.5 mru=1500',
    );
  });

  test('options in a Nak that it did not ask for, or of the wrong length, are not taken', () => {
    ClientScript.networkEntered({ requestDns: false }, '< ipcp confreq 1 address=0.0.0.0').run(
      '> ipcp confnak 1 dns1=8.8.8.8 address=0a00 vj=002d0f01',
      '< ipcp confreq 2 address=0.0.0.0',
    );
  });

  test('a server without an address of its own is fine', () => {
    ClientScript.networkEntered({ requestDns: false }, '< ipcp confreq 1 address=0.0.0.0').run(
      '> ipcp confreq 1',
      '< ipcp confack 1',
      '> ipcp confnak 1 address=10.0.0.7',
      '< ipcp confreq 2 address=10.0.0.7',
      '> ipcp confack 2 address=10.0.0.7',
      '! networkUp 10.0.0.7 via 0.0.0.0 dns= mru=1500',
    );
  });

  test('a server that refuses us any address ends the link', () => {
    ClientScript.networkEntered({ requestDns: false }, '< ipcp confreq 1 address=0.0.0.0').run(
      '> ipcp confrej 1 address=0.0.0.0',
      '< lcp termreq 2',
      '> lcp termack 2',
      '! ended ipcp-failed',
    );
  });
});

describe('LCP of the client', () => {
  test('a method that it may not use is Naked with its first one, PAP is taken when it may', () => {
    const careful = new ClientScript({ auth: ['mschapv2'] });
    careful.up('< lcp confreq 1 mru=1400 magic=01010101');
    careful.run('> lcp confreq 1 auth=c023', '< lcp confnak 1 auth=c22381');
    careful.run('> lcp confreq 2 auth=c22380', '< lcp confnak 2 auth=c22381');
    careful.run('> lcp confreq 3 auth=c2', '< lcp confnak 3 auth=c22381');
    const careless = new ClientScript({ auth: ['mschapv2', 'pap'] });
    careless.up('< lcp confreq 1 mru=1400 magic=01010101');
    careless.run('> lcp confreq 1 auth=c023', '< lcp confack 1 auth=c023');
  });

  test('retransmits after the usual three seconds from the first request on', () => {
    const client = new ClientScript();
    client.up('< lcp confreq 1 mru=1400 magic=01010101');
    client.run('+ 2999', '+ 1', '< lcp confreq 1 mru=1400 magic=01010101');
  });
});

describe('PppClient', () => {
  test('credentials that PPP cannot carry are refused by name before anything is sent', () => {
    assert.throws(() => new ClientScript({ user: 'ü'.repeat(128) }), /user name of 256 bytes/);
    assert.throws(() => new ClientScript({ password: 'x'.repeat(256) }), /password of 256 bytes/);
    assert.doesNotThrow(() => new ClientScript({ user: 'x'.repeat(255), password: 'y'.repeat(255) }));
  });

  test('an empty list of methods is refused', () => {
    assert.throws(() => new ClientScript({ auth: [] }), RangeError);
  });

  test('terminate ends the network and then the link', () => {
    const client = ClientScript.networkEntered({ requestDns: false }, '< ipcp confreq 1 address=0.0.0.0');
    client.run('> ipcp confnak 1 address=10.0.0.7', '< ipcp confreq 2 address=10.0.0.7');
    client.run(
      '> ipcp confack 2 address=10.0.0.7',
      '> ipcp confreq 1',
      '< ipcp confack 1',
      '! networkUp 10.0.0.7 via 0.0.0.0 dns= mru=1500',
    );
    client.machine.terminate('terminated', 0);
    client.run('! networkDown', '< lcp termreq 2', '> lcp termack 2', '! ended terminated');
    assert.equal(client.machine.deadline, Number.POSITIVE_INFINITY);
  });
});
