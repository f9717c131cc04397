import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Routes } from '../../src/admin/routes.ts';
import { eventProtocols } from '../../src/dashboard/event-protocols.ts';
import { FakeGateway } from '../admin/fake-gateway.ts';

/** RFC 9110 5.6.2, which is what a browser takes for a protocol. */
const TOKEN = /^[!#$%&'*+.^_`|~\dA-Za-z-]+$/;

test('whatever the token is made of, a browser takes its protocols and the gateway knows it by them', () => {
  const visible = fc.integer({ min: 0x21, max: 0x7e }).map(code => String.fromCharCode(code));
  const tokens = fc.string({ unit: visible, minLength: 16, maxLength: 64 });
  fc.assert(
    fc.property(tokens, token => {
      const protocols = eventProtocols(token);
      for (const protocol of protocols) assert.match(protocol, TOKEN);
      assert.equal(refusal(token, protocols.join(', ')), undefined);
      assert.equal(refusal(`${token}!`, protocols.join(', '))?.status, 401);
    }),
  );
});

test('a token that needs no encoding goes as it is, and one that is not properly encoded is taken as it is', () => {
  assert.equal(refusal('0123456789abcdef', 'sstp.events, bearer.0123456789abcdef'), undefined);
  assert.equal(refusal('100%-secret-token', 'sstp.events, bearer.100%-secret-token'), undefined);
});

test('without a token there is none among the protocols', () => {
  assert.deepEqual(eventProtocols(null), ['sstp.events']);
});

function refusal(token: string, protocols: string) {
  const routes = new Routes({ view: new FakeGateway(), token });
  const request = { method: 'GET', path: '/api/v1/events', query: '', host: 'gateway', authorization: '', origin: '' };
  return routes.refusal({ ...request, remoteAddress: '127.0.0.1', protocols });
}
