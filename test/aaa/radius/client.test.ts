import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { RadiusClient, type RadiusClientOptions, type RadiusResult } from '../../../src/aaa/radius/client.ts';
import type { RadiusServerOptions } from '../../../src/config/radius-options.ts';
import { accountingRequestAuthenticator, checkMessageAuthenticator, sealReply } from '../../../src/crypto/radius.ts';
import { RadiusAttribute, RadiusCode, textValue } from '../../../src/wire/radius.ts';
import {
  type Script,
  SCRIPTED_SECRET,
  ScriptedServer,
  type ScriptedRequest,
} from '../../radius-server/scripted-server.ts';

const accept: Script = request => request.send(request.reply(RadiusCode.AccessAccept));
const silent: Script = () => {};

const servers: ScriptedServer[] = [];
const clients: RadiusClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await Promise.all(servers.splice(0).map(server => server.close()));
});

describe('a request', () => {
  test('has its Message-Authenticator in front of everything, and a good one', async () => {
    const server = await listen(accept);
    const client = clientOf([server.options()]);
    assert.equal((await ask(client)).kind, 'reply');
    const { datagram, authenticator, attributes } = server.requests[0]!;
    assert.equal(attributes[0]?.type, RadiusAttribute.MessageAuthenticator);
    assert.equal(checkMessageAuthenticator(datagram, SCRIPTED_SECRET, authenticator), 'good');
    assert.deepEqual(attributes.slice(1), [{ type: RadiusAttribute.UserName, value: textValue('alice') }]);
  });

  test('of accounting is sealed with the secret', async () => {
    const server = await listen(request => request.send(request.reply(RadiusCode.AccountingResponse)));
    const client = clientOf([server.options({ authPort: 1 })], { purpose: 'accounting' });
    const result = await client.send({
      code: RadiusCode.AccountingRequest,
      attributes: () => [{ type: RadiusAttribute.UserName, value: textValue('alice') }],
      budgetMs: 10_000,
    });
    assert.equal(result.kind, 'reply');
    const { datagram, authenticator } = server.requests[0]!;
    assert.deepEqual(authenticator, accountingRequestAuthenticator(datagram, SCRIPTED_SECRET));
  });

  test('is repeated with the same bytes from the same port', async () => {
    let left = 3;
    const server = await listen(request => --left <= 0 && accept(request));
    const client = clientOf([server.options()]);
    assert.equal((await ask(client)).kind, 'reply');
    assert.ok(server.requests.length >= 3);
    assert.equal(server.distinctRequests, 1);
    assert.ok(client.status()[0]!.retransmissions >= 2);
  });

  test('has identifiers and authenticators that do not follow from one another', async () => {
    const server = await listen(accept);
    const client = clientOf([server.options()]);
    for (let count = 0; count < 20; count++) await ask(client);
    const steps = server.requests.map((request, at) => request.identifier - (server.requests[at - 1]?.identifier ?? 0));
    assert.ok(new Set(steps).size > 10, `identifiers ${server.requests.map(request => request.identifier).join(' ')}`);
    assert.equal(new Set(server.requests.map(request => String(request.authenticator))).size, 20);
  });

  test('goes to a server with an IPv6 address, and to one by its name', async () => {
    const six = await listen(accept, '::1');
    assert.equal((await ask(clientOf([six.options()]))).kind, 'reply');
    const four = await listen(accept);
    const result = await ask(clientOf([{ ...four.options(), host: 'localhost' }, six.options({ priority: 1 })]));
    assert.equal(result.kind, 'reply');
  });

  test('to a name that does not exist fails, or goes to the next server', async () => {
    const server = await listen(accept);
    const nowhere = { ...server.options(), host: 'radius.invalid' };
    assert.deepEqual(await ask(clientOf([nowhere])), { kind: 'failed', reason: 'no-server', badReply: undefined });
    assert.equal((await ask(clientOf([nowhere, server.options()]))).kind, 'reply');
  });
});

describe('a reply', () => {
  const wrong: [name: string, counter: string, forge: (request: ScriptedRequest) => Uint8Array][] = [
    ['of another secret', 'wrong-authenticator', request => sealReply({ ...request, code: 2 }, textValue('other'))],
    [
      'to another request',
      'wrong-authenticator',
      request => sealReply({ ...request, code: 2, authenticator: new Uint8Array(16) }, SCRIPTED_SECRET),
    ],
    [
      'without Message-Authenticator',
      'no-message-authenticator',
      request => sealReply({ ...request, code: 2, attributes: [] }, SCRIPTED_SECRET),
    ],
    [
      'with a wrong Message-Authenticator',
      'wrong-message-authenticator',
      request => {
        // The Response Authenticator is right: the seal alone is broken.
        const attributes = [{ type: RadiusAttribute.MessageAuthenticator, value: new Uint8Array(15) }];
        return sealReply({ ...request, code: 2, attributes }, SCRIPTED_SECRET);
      },
    ],
    ['of a code that is no answer', 'unexpected-code', request => request.reply(RadiusCode.AccountingResponse)],
    ['that is cut', 'malformed', request => request.reply(RadiusCode.AccessAccept).slice(0, -1)],
  ];
  for (const [name, counter, forge] of wrong) {
    test(`${name} is dropped, and the good one behind it taken`, async () => {
      const server = await listen(request => {
        request.send(forge(request));
        request.send(request.reply(RadiusCode.AccessReject));
      });
      const client = clientOf([server.options()]);
      const result = await ask(client);
      assert.equal(result.kind === 'reply' && result.packet.code, RadiusCode.AccessReject);
      assert.ok(client.status()[0]!.badReplies[counter as 'malformed'] >= 1);
    });

    test(`${name} alone is no answer`, async () => {
      const server = await listen(request => request.send(forge(request)));
      const client = clientOf([server.options()], { timeoutMs: 60_000 });
      const result = ask(client);
      await until(() => client.status()[0]?.badReplies[counter as 'malformed'] === 1);
      client.close();
      assert.deepEqual(await result, { kind: 'failed', reason: 'closed', badReply: counter });
    });
  }

  test('without Message-Authenticator is taken from a server that may leave it out, but not with EAP', async () => {
    const server = await listen(request => request.send(unsealed(request, [])));
    const options = server.options({ requireMessageAuthenticator: false });
    assert.equal((await ask(clientOf([options]))).kind, 'reply');
    const eap = [{ type: RadiusAttribute.EapMessage, value: Uint8Array.of(3, 1, 0, 4) }];
    server.script = request => request.send(unsealed(request, eap));
    const result = await ask(clientOf([options]));
    assert.equal(result.kind === 'failed' && result.badReply, 'no-message-authenticator');
  });

  test('from another address is not even seen', async () => {
    const stranger = createSocket('udp4');
    stranger.bind(0, '127.0.0.1');
    await once(stranger, 'listening');
    const server = await listen(request => {
      stranger.send(request.reply(RadiusCode.AccessAccept), request.from.port, request.from.address);
    });
    const client = clientOf([server.options()], { retries: 1 });
    assert.deepEqual(await ask(client), { kind: 'failed', reason: 'timeout', badReply: undefined });
    assert.equal(client.status()[0]?.strayed, 0);
    stranger.close();
  });

  test('that comes twice is counted once as noise', async () => {
    const server = await listen(request => {
      accept(request);
      accept(request);
    });
    const client = clientOf([server.options()]);
    assert.equal((await ask(client)).kind, 'reply');
    await until(() => client.status()[0]!.strayed >= 1);
    assert.equal(client.status()[0]?.replies, 1);
  });
});

describe('several servers', () => {
  test('are asked by priority', async () => {
    const [late, early] = [await listen(accept), await listen(accept)];
    await ask(clientOf([late.options({ priority: 2 }), early.options({ priority: 1 })]));
    assert.deepEqual([late.requests.length, early.distinctRequests], [0, 1]);
  });

  test('stand in for one that is silent, and give way when its dead time is over', async () => {
    const [first, second] = [await listen(silent), await listen(accept)];
    const client = clientOf([first.options({ deadTimeMs: 300 }), second.options()]);
    assert.equal((await ask(client)).kind, 'reply');
    assert.equal(first.requests.length, 3);
    assert.deepEqual(states(client), ['dead', 'alive']);
    // The other server has another packet: its own authenticator.
    assert.notDeepEqual(second.requests[0]?.authenticator, first.requests[0]?.authenticator);

    assert.equal((await ask(client)).kind, 'reply');
    assert.deepEqual([first.distinctRequests, second.distinctRequests], [1, 2]);

    first.script = accept;
    await delay(350);
    assert.equal((await ask(client)).kind, 'reply');
    assert.deepEqual([first.distinctRequests, second.distinctRequests], [2, 2]);
    assert.deepEqual(states(client), ['alive', 'alive']);
  });

  test('are probed with one request, while others go to the one that answers', async () => {
    const [first, second] = [await listen(silent), await listen(accept)];
    const client = clientOf([first.options({ deadTimeMs: 0 }), second.options()]);
    await ask(client);
    assert.equal(first.distinctRequests, 1);
    await Promise.all(Array.from({ length: 10 }, () => ask(client)));
    assert.equal(first.distinctRequests, 2);
  });

  test('take over every request that waits for one that is found dead', async () => {
    const [first, second] = [await listen(silent), await listen(accept)];
    const client = clientOf([first.options({ requestLimit: 4 }), second.options({ requestLimit: 2 })]);
    const results = await Promise.all(Array.from({ length: 20 }, () => ask(client)));
    assert.ok(results.every(result => result.kind === 'reply'));
    assert.equal(second.distinctRequests, 20);
  });

  test('are asked although all are dead', async () => {
    const server = await listen(silent);
    const client = clientOf([server.options()]);
    assert.equal((await ask(client)).kind, 'failed');
    assert.deepEqual(states(client), ['dead']);
    server.script = accept;
    assert.equal((await ask(client)).kind, 'reply');
    assert.deepEqual(states(client), ['alive']);
  });

  test('are dead after one request without repetitions, but not for one that came with hardly any time', async () => {
    const server = await listen(silent);
    const patient = clientOf([server.options()], { timeoutMs: 1_000, retries: 0 });
    assert.equal((await ask(patient, { budgetMs: 20 })).kind, 'failed');
    assert.deepEqual(states(patient), ['alive']);
    // Jitter makes every other pause shorter than the configured one.
    for (let count = 0; count < 8; count++) {
      const client = clientOf([server.options()], { timeoutMs: 30, retries: 0 });
      await ask(client);
      assert.deepEqual(states(client), ['dead']);
    }
  });

  test('do not get a request that belongs to another one', async () => {
    const [first, second] = [await listen(accept), await listen(accept)];
    const client = clientOf([first.options(), second.options()]);
    const challenge = await ask(client);
    assert.ok(challenge.kind === 'reply');
    first.script = silent;
    const result = await ask(client, { server: challenge.server });
    assert.deepEqual(result, { kind: 'failed', reason: 'timeout', badReply: undefined });
    assert.equal(second.requests.length, 0);
  });

  test('are not called dead for one request while they answer others', async () => {
    const server = await listen(request => request.identifier !== server.requests[0]?.identifier && accept(request));
    const client = clientOf([server.options()]);
    const unanswered = ask(client);
    await until(() => server.requests.length >= 2);
    while (server.requests.length < 6) await ask(client);
    assert.equal((await unanswered).kind, 'failed');
    assert.deepEqual(states(client), ['alive']);
  });
});

describe('limits', () => {
  test('a server never has to answer more requests at a time than it may', async () => {
    let most = 0;
    let open = 0;
    const server = await listen(request => {
      most = Math.max(most, ++open);
      setTimeout(() => {
        open--;
        accept(request);
      }, 5);
    });
    const client = clientOf([server.options({ requestLimit: 3 })], { timeoutMs: 2_000 });
    const results = await Promise.all(Array.from({ length: 30 }, () => ask(client)));
    assert.ok(results.every(result => result.kind === 'reply'));
    assert.equal(most, 3);
  });

  test('more than 256 requests at a time take more than one port', async () => {
    // By port and identifier: a burst may overflow the socket of this one thread, and is repeated.
    const waiting = new Map<string, ScriptedRequest>();
    const server = await listen(request => {
      waiting.set(`${request.from.port} ${request.identifier}`, request);
      if (waiting.size === 600) accept(request);
    });
    const client = clientOf([server.options({ requestLimit: 1_000 })], { timeoutMs: 200, retries: 20 });
    const results = Array.from({ length: 600 }, () => ask(client, { budgetMs: 60_000 }));
    await until(() => waiting.size === 600);
    assert.equal(new Set([...waiting.values()].map(({ from }) => from.port)).size, 3);
    server.script = accept;
    for (const result of await Promise.all(results)) assert.equal(result.kind, 'reply');
  });

  test('a request ends with its budget, also while it waits for room', async () => {
    const server = await listen(silent);
    const client = clientOf([server.options({ requestLimit: 1 })], { timeoutMs: 60_000 });
    const [first, second] = await Promise.all([ask(client, { budgetMs: 100 }), ask(client, { budgetMs: 50 })]);
    assert.deepEqual(first, { kind: 'failed', reason: 'timeout', badReply: undefined });
    assert.deepEqual(second, { kind: 'failed', reason: 'busy', badReply: undefined });
    assert.equal(server.requests.length, 1);
  });

  test('a queue that is full refuses', async () => {
    const server = await listen(silent);
    const client = clientOf([server.options({ requestLimit: 1 })], { timeoutMs: 60_000 });
    const results = Array.from({ length: 1 + 4096 + 1 }, () => ask(client, { budgetMs: 60_000 }));
    assert.equal(client.status()[0]?.queued, 4096);
    assert.deepEqual(await results.at(-1), { kind: 'failed', reason: 'busy', badReply: undefined });
    client.close();
    await Promise.all(results);
  });

  test('a client that closes answers everybody', async () => {
    const server = await listen(silent);
    const client = clientOf([server.options({ requestLimit: 1 })], { timeoutMs: 60_000 });
    const results = [ask(client), ask(client)];
    await until(() => server.requests.length === 1);
    client.close();
    for (const result of await Promise.all(results)) assert.equal(result.kind === 'failed' && result.reason, 'closed');
    assert.equal((await ask(client)).kind, 'failed');
  });
});

async function listen(script: Script, address?: string): Promise<ScriptedServer> {
  const server = await ScriptedServer.listen(script, address);
  servers.push(server);
  return server;
}

function clientOf(servers: RadiusServerOptions[], changes: Partial<RadiusClientOptions> = {}): RadiusClient {
  const client = new RadiusClient({ servers, purpose: 'authentication', timeoutMs: 50, retries: 2, ...changes });
  clients.push(client);
  return client;
}

function ask(client: RadiusClient, changes: Partial<Parameters<RadiusClient['send']>[0]> = {}): Promise<RadiusResult> {
  return client.send({
    code: RadiusCode.AccessRequest,
    attributes: () => [{ type: RadiusAttribute.UserName, value: textValue('alice') }],
    budgetMs: 10_000,
    ...changes,
  });
}

function states(client: RadiusClient): string[] {
  return client.status().map(({ state }) => state);
}

function unsealed(request: ScriptedRequest, attributes: readonly { type: number; value: Uint8Array }[]): Uint8Array {
  const reply = { ...request, code: RadiusCode.AccessAccept, attributes };
  return sealReply(reply, SCRIPTED_SECRET);
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(2);
}
